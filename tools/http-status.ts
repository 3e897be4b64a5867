import { get } from 'node:http';

/** The status of a GET, on a connection of its own; 0 where nobody answers. */
export function statusOf(url: string): Promise<number> {
  return new Promise((settle) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      settle(response.statusCode ?? 0);
    });
    request.on('error', () => settle(0)).on('timeout', () => request.destroy());
  });
}
