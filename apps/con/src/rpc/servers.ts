import { chmodSync, rmSync } from 'node:fs';
import { createConnection, type AddressInfo } from 'node:net';
import type { ConHandlers } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Logger } from 'pino';
import type { Tickets } from '../streams/tickets.js';
import { Upgrades } from '../streams/upgrade.js';
import type { CallersClock } from './callers-clock.js';
import { Dispatch } from './dispatch.js';
import { defaultBounds, Listener, type ListenerBounds } from './listener.js';
import type { Identity } from './identity.js';
import { tokenGate } from './token.js';

export type ServersNeeds = Readonly<{
  handlers: ConHandlers;
  tickets: Tickets;
  socketPath: string;
  host: string;
  /** 0 takes any free one. */
  port: number;
  token: string;
  /** Given where `host` is not loopback. */
  identity?: Identity;
  clock?: CallersClock;
  log: Logger;
  bounds?: Partial<ListenerBounds>;
}>;

export type Servers = Readonly<{ socketPath: string; port: number; close(): Promise<void> }>;

/** Opens both doors: the unix socket, for root alone and without a token, and an address with it, encrypted beyond loopback. */
export async function startServers(needs: ServersNeeds): Promise<Servers> {
  const { tickets, log, clock, socketPath, token, identity } = needs;
  const bounds = { ...defaultBounds, ...needs.bounds };
  const upgrades = new Upgrades(tickets);
  const shared = { dispatch: new Dispatch(needs.handlers, log), tickets, upgrades, clock, log, bounds };
  const socket = new Listener({ ...shared, name: 'socket', mayEnter: () => true }).server;
  const far = identity ? ({ name: 'network', identity } as const) : ({ name: 'loopback' } as const);
  const address = new Listener({ ...shared, ...far, mayEnter: tokenGate(token) }).server;
  await mustBeFree(socketPath);
  await listen(address, { host: needs.host, port: needs.port }, `${needs.host}:${needs.port}`);
  await listenForRoot(socket, socketPath);
  const { port } = address.address() as AddressInfo;
  log.info({ socketPath, host: needs.host, port }, 'listening');
  return {
    socketPath,
    port,
    close: async () => {
      upgrades.close();
      const cut = setTimeout(() => {
        upgrades.terminate();
        for (const server of [socket, address]) server.closeAllConnections();
      }, 2_000);
      await Promise.all([end(socket), end(address)]);
      clearTimeout(cut);
    },
  };
}

type Door = Listener['server'];

/** The mask is set around the call, because between making a socket and chmod anybody could connect. */
async function listenForRoot(server: Door, path: string): Promise<void> {
  const mask = process.umask(0o177);
  const listening = listen(server, { path }, path);
  process.umask(mask);
  await listening;
  chmodSync(path, 0o600);
}

function listen(server: Door, where: { path: string } | { host: string; port: number }, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Problem('unavailable', `cannot listen at ${name}: ${cause.message}`, { cause })),
    );
    server.listen(where, resolve);
  });
}

/** A socket that a killed daemon left is removed; one that answers belongs to a daemon that lives. */
async function mustBeFree(path: string): Promise<void> {
  const lives = await new Promise<boolean>((resolve) => {
    const probe = createConnection({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (lives)
    throw new Problem(
      'conflict',
      `cannot start: another con listens at ${path}; stop it, or give this one another --run-directory`,
    );
  rmSync(path, { force: true });
}

/** Calls at work are answered first; who stays too long is cut by the caller. */
function end(server: Door): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  return closed;
}
