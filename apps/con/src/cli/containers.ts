import { randomBytes } from 'node:crypto';
import type { Container } from '@berth/con-protocol';
import { defaultLimits, type WantedLimits, type State } from '@berth/container';
import { columns } from './columns.js';
import { noWait, textOf, type Command, type Given, type Room } from './command.js';
import { find } from './find.js';
import { settle } from './settle.js';
import { forward, unforward } from './forwards.js';
import { logs } from './logs.js';
import { networkCommands } from './networks.js';
import { findSnapshot, snapshotCommands } from './snapshots.js';
import { readBytes, readCores, readTemplateKey, readWhole, shownBytes } from './units.js';

const limitOptions = [
  ['--memory <size>', 'limit, like 512MiB'],
  ['--cpu <cores>', 'limit, like 1.5'],
  ['--pids <count>', 'limit of processes and threads'],
  ['--disk <size>', 'limit of what it writes, like 10GiB'],
] as const;

type Verb = 'start' | 'stop' | 'kill' | 'restart' | 'freeze' | 'thaw' | 'trash' | 'restore';

/** A verb that leads to a state which the command line waits for. */
function leadingTo(verb: Verb, wanted: State, short?: string): Command {
  return {
    words: `containers ${verb}`,
    ...(short ? { short } : {}),
    method: `containers.${verb}`,
    args: '<name>',
    options: [noWait],
    run: async (room, given) => {
      const { id } = await find(room.con, given.args[0] ?? '');
      const { container } = await room.con[`containers.${verb}`]({ id });
      return tell(room, given, container, wanted);
    },
  };
}

async function tell({ con, terminal }: Room, { options }: Given, container: Container, wanted: State): Promise<number> {
  const now = options['wait'] === false ? container : await settle(con, container, wanted);
  if (terminal.json) terminal.result(now);
  else terminal.line(`${now.name} is ${now.state}${now.state === 'running' && now.url ? ` at ${now.url}` : ''}`);
  return 0;
}

const create: Command = {
  words: 'containers create',
  short: 'create',
  method: 'containers.create',
  args: '<name> <template:version>',
  options: [
    ...limitOptions,
    ['--owner <owner>', 'whose it is; owners share no range of user ids (default: operator)'],
    ['--id <id>', 'an id of your own: the same again is the same container'],
    noWait,
  ],
  run: async (room, given) => {
    const [name = '', template = ''] = given.args;
    const { container } = await room.con['containers.create']({
      id: textOf(given, 'id') ?? `c${randomBytes(8).toString('hex')}`,
      name,
      owner: textOf(given, 'owner') ?? 'operator',
      template: readTemplateKey(template),
      limits: limitsIn(given),
    });
    return tell(room, given, container, 'stopped');
  },
};

const duplicate: Command = {
  words: 'containers duplicate',
  short: 'duplicate',
  method: 'containers.duplicate',
  args: '<name> <new-name>',
  options: [
    ...limitOptions,
    ['--snapshot <snapshot>', 'as it was kept then; as it is now unless told'],
    ['--id <id>', 'an id of your own: the same again is the same container'],
    noWait,
  ],
  run: async (room, given) => {
    const [source = '', name = ''] = given.args;
    const from = await find(room.con, source);
    const word = textOf(given, 'snapshot');
    const snapshot = word === undefined ? undefined : await findSnapshot(room.con, from, word);
    const { container } = await room.con['containers.duplicate']({
      id: textOf(given, 'id') ?? `c${randomBytes(8).toString('hex')}`,
      from: from.id,
      name,
      limits: limitsIn(given, from.limits),
      ...(snapshot ? { snapshot: snapshot.id } : {}),
    });
    return tell(room, given, container, 'stopped');
  },
};

/** What is not given stays as it is. */
function limitsIn(given: Given, usual: WantedLimits = defaultLimits): WantedLimits {
  const [memory, cpu, pids] = [textOf(given, 'memory'), textOf(given, 'cpu'), textOf(given, 'pids')];
  const disk = textOf(given, 'disk');
  return {
    memoryBytes: memory === undefined ? usual.memoryBytes : readBytes(memory),
    cpuMillis: cpu === undefined ? usual.cpuMillis : readCores(cpu),
    pids: pids === undefined ? usual.pids : readWhole(pids, 'a number of processes'),
    diskBytes: disk === undefined ? usual.diskBytes : readBytes(disk),
  };
}

const list: Command = {
  words: 'containers list',
  short: 'list',
  method: 'containers.list',
  run: async ({ con, terminal }) => {
    const answer = await con['containers.list']({});
    if (terminal.json) {
      terminal.result(answer);
      return 0;
    }
    const memory = new Map(answer.usage.map(({ id, memoryBytes }) => [id, memoryBytes]));
    const health = new Map(answer.usage.map((one) => [one.id, one.health]));
    const rows = (answer.containers ?? []).map((one) => [
      one.name,
      one.state === 'running' && health.get(one.id) ? `running, ${health.get(one.id)}` : one.state,
      `${one.template.name}:${one.template.version}`,
      shownBytes(memory.get(one.id) ?? 0n),
      one.owner,
      one.id,
      one.url ?? '',
    ]);
    for (const line of columns(['NAME', 'STATE', 'TEMPLATE', 'MEMORY', 'OWNER', 'ID', 'URL'], rows))
      terminal.line(line);
    return 0;
  },
};

const get: Command = {
  words: 'containers get',
  method: 'containers.get',
  args: '<name>',
  run: async ({ con, terminal }, { args }) => {
    const { id } = await find(con, args[0] ?? '');
    terminal.result(await con['containers.get']({ id }));
    return 0;
  },
};

const rename: Command = {
  words: 'containers rename',
  method: 'containers.rename',
  args: '<name> <new-name>',
  run: async (room, given) => {
    const [before = '', name = ''] = given.args;
    const { id } = await find(room.con, before);
    const { container } = await room.con['containers.rename']({ id, name });
    if (room.terminal.json) room.terminal.result(container);
    else room.terminal.line(`${before} is called ${container.name} now; its host name follows at its next start`);
    return 0;
  },
};

const limit: Command = {
  words: 'containers limit',
  method: 'containers.limit',
  args: '<name>',
  options: [...limitOptions],
  run: async (room, given) => {
    const before = await find(room.con, given.args[0] ?? '');
    const { container } = await room.con['containers.limit']({
      id: before.id,
      limits: limitsIn(given, before.limits),
    });
    const { memoryBytes, cpuMillis, pids, diskBytes } = container.limits;
    const disk = diskBytes === undefined ? '' : `, ${shownBytes(diskBytes)} of disk`;
    if (room.terminal.json) room.terminal.result(container);
    else
      room.terminal.line(
        `${container.name} has ${shownBytes(memoryBytes)} of memory${disk}, ${cpuMillis / 1000} cores and ${pids} processes`,
      );
    return 0;
  },
};

const destroy: Command = {
  words: 'containers destroy',
  method: 'containers.destroy',
  args: '<name>',
  run: async ({ con, terminal }, { args }) => {
    const { id, name } = await find(con, args[0] ?? '');
    const answer = await con['containers.destroy']({ id });
    if (terminal.json) terminal.result(answer);
    else terminal.line(`${name} and its data are being destroyed`);
    return 0;
  },
};

const expire: Command = {
  words: 'containers expire',
  method: 'containers.expire',
  options: [['--all', 'unusually many at once, too']],
  run: async ({ con, terminal }, { options }) => {
    const answer = await con['containers.expire'](options['all'] === true ? { all: true } : {});
    if (terminal.json) terminal.result(answer);
    else if (answer.kept > 0)
      terminal.line(`kept ${answer.kept}: so many at once may be a mistake; say --all if it is none`);
    else terminal.line(`${answer.destroyed} are being destroyed`);
    return answer.kept > 0 ? 1 : 0;
  },
};

export const containerCommands: readonly Command[] = [
  create,
  duplicate,
  leadingTo('start', 'running', 'start'),
  leadingTo('stop', 'stopped', 'stop'),
  leadingTo('kill', 'stopped'),
  leadingTo('restart', 'running', 'restart'),
  leadingTo('freeze', 'frozen'),
  leadingTo('thaw', 'running'),
  rename,
  limit,
  forward,
  unforward,
  ...networkCommands,
  ...snapshotCommands,
  logs,
  list,
  get,
  leadingTo('trash', 'trashed', 'remove'),
  leadingTo('restore', 'stopped'),
  expire,
  destroy,
];
