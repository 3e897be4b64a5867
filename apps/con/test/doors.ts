import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { methods, type ConHandlers, type MethodName } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { pino } from 'pino';
import { startServers, type ServersNeeds } from '../src/rpc/servers.js';
import { Tickets } from '../src/streams/tickets.js';

export const token = 'a-token-of-some-length-for-these-tests-only';

/** con's two doors with nothing behind them but what a test puts there. */
export async function openDoors(some: Partial<ConHandlers> = {}, bounds: ServersNeeds['bounds'] = {}) {
  const home = mkdtempSync(join(tmpdir(), 'con-doors-'));
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const tickets = new Tickets();
  const socketPath = join(home, 'con.sock');
  const handlers = { ...absent, ...some };
  const servers = await startServers({ handlers, tickets, socketPath, host: '127.0.0.1', port: 0, token, log, bounds });
  const url = `http://127.0.0.1:${servers.port}`;
  const close = async (): Promise<void> => {
    await servers.close();
    rmSync(home, { recursive: true });
  };
  return { ...servers, url, tickets, lines, close };
}

export type Doors = Awaited<ReturnType<typeof openDoors>>;

const absent = Object.fromEntries(
  (Object.keys(methods) as MethodName[]).map((name) => [
    name,
    () => Promise.reject(new Problem('unavailable', `cannot ${name}: nothing is behind this door`)),
  ]),
) as unknown as ConHandlers;

/** A connection of its own to which any bytes can be written; `ended` tells what came back until it was closed. */
export function wire(port: number): { socket: Socket; ended: Promise<string> } {
  const socket = createConnection({ port, host: '127.0.0.1' });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => resolve(text)); // cut is closed too
    socket.on('close', () => resolve(text));
  });
  return { socket, ended };
}

/** Headers of a POST by hand. */
export function head(length: number, more = ''): string {
  return `POST /RPC2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${length}\r\n${more}\r\n`;
}

export function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/RPC2`, { method: 'POST', body, headers: { Authorization: `Bearer ${token}`, ...headers } });
}
