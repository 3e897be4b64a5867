import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { Protocol } from '../net.js';

/** Of a listening TCP socket, and of a UDP socket that is connected to nobody (proc(5); include/net/tcp_states.h). */
const states: Readonly<Record<Protocol, string>> = { tcp: '0A', udp: '07' };

/** Whether a process of the host listens at that port, at any address. */
export function isServed(protocol: Protocol, port: number, linesOf = lines): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return [protocol, `${protocol}6`].some((file) => {
    for (const line of linesOf(`/proc/net/${file}`)) {
      const [number, local = '', , state] = line.trim().split(/\s+/);
      if (number === 'sl') continue; // the heading
      // The kernel names listeners first, and of the others a busy host has hundreds of thousands.
      if (protocol === 'tcp' && state !== states.tcp) break;
      if (local.endsWith(`:${hex}`) && state === states[protocol]) return true;
    }
    return false;
  });
}

function* lines(path: string): Generator<string> {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(65_536);
  try {
    let rest = '';
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      const whole = (rest + buffer.toString('latin1', 0, length)).split('\n');
      rest = whole.pop() ?? '';
      yield* whole;
    }
  } finally {
    closeSync(file);
  }
}
