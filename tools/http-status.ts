import { get } from 'node:http';

/**
 * A loopback address connects within a millisecond or not yet at all. A connection whose first packet met nobody would be
 * tried again by the kernel after a whole second (RFC 6298 §2), and hide when the app began to answer.
 */
const connectMs = 25;

/** The status of a GET, on a connection of its own; 0 where nobody answers. */
export function statusOf(url: string): Promise<number> {
  return new Promise((settle) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      settle(response.statusCode ?? 0);
    });
    const unheard = setTimeout(() => request.destroy(), connectMs);
    request
      .on('socket', (socket) => socket.once('connect', () => clearTimeout(unheard)))
      .on('error', () => settle(0))
      .on('timeout', () => request.destroy())
      .on('close', () => clearTimeout(unheard));
  });
}
