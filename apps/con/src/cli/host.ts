import type { HostInfo } from '@berth/con-protocol';
import { textOf, type Command } from './command.js';
import { readCursor, readWhole, shownBytes } from './units.js';

const info: Command = {
  words: 'host info',
  method: 'host.info',
  run: async ({ con, terminal }) => {
    const host = await con['host.info']({});
    if (terminal.json) {
      terminal.result(host);
      return 0;
    }
    terminal.line(`con ${host.version}, protocol ${host.protocol}, driver ${host.driver}, instance ${host.instance}`);
    terminal.line(`${host.kernel} on ${host.architecture}, ${host.cpus} cores`);
    terminal.line(`memory  ${shownBytes(host.memoryFreeBytes)} free of ${shownBytes(host.memoryBytes)}`);
    terminal.line(`disk    ${shownBytes(host.diskFreeBytes)} free of ${shownBytes(host.diskBytes)}`);
    terminal.line(`containers  ${host.running} running of ${host.containers}; ports answer at ${host.appsHost}`);
    for (const line of healthOf(host.health)) terminal.line(line);
    if (host.pin !== undefined) terminal.line(`key  ${host.pin}`);
    for (const { what, cure } of host.warnings) terminal.line(`warning: ${what}; ${cure}`);
    return 0;
  },
};

/** Percents of the last minute; what the kernel does not tell is left out. */
function healthOf(health: HostInfo['health']): string[] {
  if (!health) return [];
  const { cpuPressure, memoryPressure, ioPressure, connections, connectionsMost } = health;
  const waits = Object.entries({ core: cpuPressure?.some, memory: memoryPressure?.full, disk: ioPressure?.full });
  const told = waits.flatMap(([what, share]) => (share === undefined ? [] : `${what} ${(share / 10).toFixed(1)} %`));
  return [
    ...(told.length > 0 ? [`waited in the last minute for  ${told.join(', ')}`] : []),
    ...(connections === undefined ? [] : [`connections  ${connections} of at most ${connectionsMost}`]),
  ];
}

const read: Command = {
  words: 'usage read',
  method: 'usage.read',
  options: [
    ['--after <cursor>', 'what `next` said last time'],
    ['--limit <count>', 'of samples'],
    ['--cut', 'sample every container first'],
  ],
  run: async ({ con, terminal }, given) => {
    const [after, limit] = [textOf(given, 'after'), textOf(given, 'limit')];
    const answer = await con['usage.read']({
      ...(after === undefined ? {} : { after: readCursor(after) }),
      ...(limit === undefined ? {} : { limit: readWhole(limit, 'a number of samples') }),
      ...(given.options['cut'] === true ? { cut: true } : {}),
    });
    terminal.result(answer);
    return 0;
  },
};

const recover: Command = {
  words: 'host recover',
  short: 'recover',
  method: 'host.recover',
  options: [['--dry-run', 'only tell what would be brought back']],
  run: async ({ con, terminal }, { options }) => {
    const dryRun = options['dryRun'] === true;
    const answer = await con['host.recover']({ dryRun });
    if (terminal.json) terminal.result(answer);
    else {
      for (const { name, owner, id } of answer.recovered)
        terminal.line(`${dryRun ? 'would bring' : 'brought'} back ${name} of ${owner} (${id})`);
      for (const { why } of answer.left) terminal.line(why);
      if (answer.recovered.length + answer.left.length === 0) terminal.line('every volume is on record');
    }
    return answer.left.length > 0 ? 1 : 0;
  },
};

const doctor: Command = {
  words: 'host doctor',
  short: 'doctor',
  method: 'host.doctor',
  options: [
    ['--mend', 'bring both together where that can be done'],
    ['--yes', 'also where more than a few things are destroyed at once'],
  ],
  run: async ({ con, terminal }, { options }) => {
    const answer = await con['host.doctor']({ mend: options['mend'] === true, yes: options['yes'] === true });
    const left = answer.findings.filter(({ mended }) => !mended).length;
    if (terminal.json) terminal.result(answer);
    else {
      for (const { what, cure, mended, failed } of answer.findings)
        terminal.line(`${what}: ${failed ?? (mended ? 'mended' : cure)}`);
      if (answer.held > 0)
        terminal.line(`${answer.held} would be destroyed, more than a few: look at them, then say --yes`);
      if (answer.findings.length === 0) terminal.line('the host and the records tell the same');
    }
    return left > 0 ? 1 : 0;
  },
};

export const hostCommands: readonly Command[] = [info, recover, doctor, read];
