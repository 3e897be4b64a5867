import { Problem } from '@berth/problem';
import { textOf, type Command } from './command.js';
import { find } from './find.js';
import { readWhole } from './units.js';

type Protocol = 'tcp' | 'udp';

/** `53/udp`; tcp where nothing is said. */
function readPort(text: string): { port: number; protocol: Protocol } {
  const [number = '', protocol = 'tcp'] = text.split('/', 2);
  if (protocol !== 'tcp' && protocol !== 'udp')
    throw new Problem('invalid', `cannot read the port ${JSON.stringify(text)}: write 53, 53/tcp or 53/udp`);
  return { port: readWhole(number, 'a port'), protocol };
}

export const forward: Command = {
  words: 'containers forward',
  short: 'forward',
  method: 'containers.forward',
  args: '<name> <port>',
  options: [
    ['--host-port <port>', 'a port of the host of your choice; one of the pool unless told'],
    ['--from <networks>', 'who may come, with commas between, like 198.51.100.0/24; everybody unless told'],
  ],
  run: async ({ con, terminal }, given) => {
    const { id } = await find(con, given.args[0] ?? '');
    const [hostPort, from] = [textOf(given, 'hostPort'), textOf(given, 'from')];
    const answer = await con['containers.forward']({
      id,
      ...readPort(given.args[1] ?? ''),
      ...(hostPort === undefined ? {} : { hostPort: readWhole(hostPort, 'a port') }),
      ...(from === undefined ? {} : { sources: from.split(',').map((text) => text.trim()) }),
    });
    if (terminal.json) terminal.result(answer);
    else
      terminal.line(`port ${answer.hostPort} of the host leads to port ${given.args[1]} of ${answer.container.name}`);
    return 0;
  },
};

export const unforward: Command = {
  words: 'containers unforward',
  short: 'unforward',
  method: 'containers.unforward',
  args: '<name> <host-port>',
  run: async ({ con, terminal }, { args }) => {
    const { id } = await find(con, args[0] ?? '');
    const { port: hostPort, protocol } = readPort(args[1] ?? '');
    const { container } = await con['containers.unforward']({ id, protocol, hostPort });
    if (terminal.json) terminal.result(container);
    else terminal.line(`port ${args[1]} of the host leads to ${container.name} no more`);
    return 0;
  },
};
