import { build } from './build.js';
import { columns } from './columns.js';
import { textOf, type Command } from './command.js';
import { printLog } from './line-log.js';
import { tree } from './tree.js';
import { readTemplateKey, readWhole, shownBytes, shownTime } from './units.js';

const key = '<template:version>';

const list: Command = {
  words: 'templates list',
  method: 'templates.list',
  run: async ({ con, terminal }) => {
    const answer = await con['templates.list']({});
    if (terminal.json) {
      terminal.result(answer);
      return 0;
    }
    const rows = answer.templates.map((one) => [
      `${one.name}:${one.version}`,
      one.state,
      shownBytes(one.sizeBytes),
      shownTime(one.milliseconds),
      one.reason ?? one.ports.map((port) => `port ${port}`).join(', '),
    ]);
    for (const line of columns(['TEMPLATE', 'STATE', 'SIZE', 'BUILT IN', ''], rows)) terminal.line(line);
    return 0;
  },
};

const get: Command = {
  words: 'templates get',
  method: 'templates.get',
  args: key,
  run: async ({ con, terminal }, { args }) => {
    terminal.result(await con['templates.get'](readTemplateKey(args[0] ?? '')));
    return 0;
  },
};

const draw: Command = {
  words: 'templates tree',
  short: 'tree',
  method: 'templates.tree',
  run: async ({ con, terminal }) => {
    const answer = await con['templates.tree']({});
    if (terminal.json) terminal.result(answer);
    else for (const line of tree(answer.snapshots)) terminal.line(...line);
    return 0;
  },
};

const log: Command = {
  words: 'templates log',
  method: 'templates.log',
  args: `${key} <line>`,
  options: [['--offset <bytes>', 'where to begin']],
  run: async ({ con, terminal }, given) => {
    const [template = '', line = ''] = given.args;
    const from = BigInt(readWhole(textOf(given, 'offset') ?? '0', 'an offset'));
    await printLog(con, terminal, { ...readTemplateKey(template), line: readWhole(line, 'a line') }, from);
    return 0;
  },
};

const cancel: Command = {
  words: 'templates cancel',
  method: 'templates.cancel',
  args: key,
  run: async ({ con, terminal }, { args }) => {
    const answer = await con['templates.cancel'](readTemplateKey(args[0] ?? ''));
    if (terminal.json) terminal.result(answer);
    else terminal.line(`nothing is being built as ${args[0]}`);
    return 0;
  },
};

const prune: Command = {
  words: 'templates prune',
  short: 'prune',
  method: 'templates.prune',
  options: [
    ['--yes', 'remove it; without this the command only tells what it would remove'],
    ['--older-than <days>', 'only of builds that began longer ago'],
  ],
  run: async ({ con, terminal }, given) => {
    const dryRun = given.options['yes'] !== true;
    const days = readWhole(textOf(given, 'olderThan') ?? '0', 'a number of days');
    const answer = await con['templates.prune']({ dryRun, olderThanSeconds: days * 86_400 });
    if (terminal.json) terminal.result(answer);
    else {
      for (const { sizeBytes, text } of answer.snapshots)
        terminal.line(`${shownBytes(sizeBytes).padStart(9)}  ${text}`);
      const what = `${answer.snapshots.length} snapshots, ${shownBytes(answer.bytes)}`;
      terminal.line(dryRun ? `would remove ${what}; do it with --yes` : `removed ${what}`);
    }
    return 0;
  },
};

const remove: Command = {
  words: 'templates remove',
  short: 'rmtemplate',
  method: 'templates.remove',
  args: key,
  run: async ({ con, terminal }, { args }) => {
    const answer = await con['templates.remove'](readTemplateKey(args[0] ?? ''));
    if (terminal.json) terminal.result(answer);
    else terminal.line(`${args[0]} is removed`);
    return 0;
  },
};

export const templateCommands: readonly Command[] = [build, cancel, list, get, draw, log, prune, remove];
