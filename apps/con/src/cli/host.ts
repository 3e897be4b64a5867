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

export const hostCommands: readonly Command[] = [info, read];
