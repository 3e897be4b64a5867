import { Problem } from '@berth/problem';
import type { Container } from '@berth/con-protocol';
import { textOf, type Command, type Room } from './command.js';
import { find } from './find.js';
import { readBytes, shownBytes } from './units.js';

function tell({ terminal }: Room, container: Container, text: string): number {
  if (terminal.json) terminal.result(container);
  else terminal.line(text);
  return 0;
}

const network: Command = {
  words: 'containers network',
  method: 'containers.network',
  args: '<name>',
  options: [
    ['--smtp <on|off>', 'mail to strangers, port 25; off unless told'],
    ['--out <size>', 'the most it may send in a second, like 10MiB; 0 for no limit'],
    ['--in <size>', 'the most it may be sent in a second'],
  ],
  run: async (room, given) => {
    const { id } = await find(room.con, given.args[0] ?? '');
    const smtp = textOf(given, 'smtp');
    if (smtp !== undefined && smtp !== 'on' && smtp !== 'off')
      throw new Problem('invalid', `cannot read ${JSON.stringify(smtp)}: write --smtp on or --smtp off`);
    const [out, into] = [textOf(given, 'out'), textOf(given, 'in')];
    const asked = {
      id,
      ...(smtp === undefined ? {} : { smtp: smtp === 'on' }),
      ...(out === undefined ? {} : { outBytesPerSecond: Number(readBytes(out)) }),
      ...(into === undefined ? {} : { inBytesPerSecond: Number(readBytes(into)) }),
    };
    const { container } = await room.con['containers.network'](asked);
    const words = container.smtp ? 'may' : 'may not';
    const rate = (bytes: number | undefined): string => (bytes ? `${shownBytes(BigInt(bytes))} a second` : 'no limit');
    const rates = `out: ${rate(container.outBytesPerSecond)}, in: ${rate(container.inBytesPerSecond)}`;
    return tell(room, container, `${container.name} ${words} send mail to strangers; ${rates}`);
  },
};

const join: Command = {
  words: 'containers join',
  short: 'join',
  method: 'containers.join',
  args: '<name> <network>',
  run: async (room, { args: [name = '', wanted = ''] }) => {
    const { id } = await find(room.con, name);
    const { container } = await room.con['containers.join']({ id, network: wanted });
    return tell(
      room,
      container,
      `${container.name} is ${container.address} in ${(container.networks ?? []).join(', ')}`,
    );
  },
};

const leave: Command = {
  words: 'containers leave',
  short: 'leave',
  method: 'containers.leave',
  args: '<name> <network>',
  run: async (room, { args: [name = '', left = ''] }) => {
    const { id } = await find(room.con, name);
    const { container } = await room.con['containers.leave']({ id, network: left });
    return tell(
      room,
      container,
      `${container.name} is in ${(container.networks ?? []).join(', ') || 'no network'} now`,
    );
  },
};

const domains: Command = {
  words: 'containers domains',
  short: 'domains',
  method: 'containers.domains',
  args: '<name>',
  options: [
    ['--name <label>', 'its name below the apps’ domain of this host; an empty one takes it away'],
    ['--domains <domains>', 'domains of your own, with commas between; an empty list takes them away'],
  ],
  run: async (room, given) => {
    const { id } = await find(room.con, given.args[0] ?? '');
    const [name, list] = [textOf(given, 'name'), textOf(given, 'domains')];
    const { container } = await room.con['containers.domains']({
      id,
      ...(name === undefined ? {} : { name }),
      ...(list === undefined ? {} : { domains: list.split(',').flatMap((text) => text.trim() || []) }),
    });
    const all = [container.hostName, ...(container.domains ?? [])].filter((one) => one !== undefined);
    return tell(room, container, `${container.name} answers by ${all.join(', ') || 'no name'}`);
  },
};

export const networkCommands: readonly Command[] = [network, join, leave, domains];
