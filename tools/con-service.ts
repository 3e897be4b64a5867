import { conClient, type ConClient } from '@berth/con-protocol';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Service } from './service.ts';
import { root } from './sources.ts';

export type ConOptions = Readonly<{
  driver: 'linux' | 'fake';
  /** Prefix of all it makes on the host. */
  name: string;
  home: string;
  runDirectory: string;
  /** Second byte of 10.N.0.0/16. */
  network: number;
  firstPort: number;
  lastPort?: number;
  listenPort?: number;
  env?: Readonly<Record<string, string>>;
}>;

export type RunningCon = Readonly<{
  options: ConOptions;
  service: Service;
  client: ConClient;
  socket: string;
  tokenFile: string;
  url: string;
  stop(): Promise<void>;
}>;

/**
 * Starts con's daemon as it ships, out of its build.
 * @param changing is told of every change to the host before con makes it.
 */
export async function startCon(options: ConOptions, changing?: (change: string) => void): Promise<RunningCon> {
  for (const directory of [options.home, options.runDirectory]) mkdirSync(directory, { recursive: true, mode: 0o711 });
  const socket = resolve(options.runDirectory, 'con.sock');
  const client = conClient({ socketPath: socket, timeoutMs: 30_000 });
  const port = options.listenPort ?? freePort();
  const service = await Service.start({
    name: `con (${options.name})`,
    args: [resolve(root, 'apps/con/dist/main.js'), 'daemon'],
    env: {
      CON_NAME: options.name,
      CON_DRIVER: options.driver,
      CON_HOME: options.home,
      CON_RUN_DIRECTORY: options.runDirectory,
      CON_ADDRESS_POOL: `10.${options.network}.0.0/16`,
      CON_FIRST_PORT: String(options.firstPort),
      CON_LAST_PORT: String(options.lastPort ?? options.firstPort + 999),
      CON_LISTEN_PORT: String(port),
      ...options.env,
    },
    logFile: resolve(options.home, 'daemon.log'),
    hear: changing && ((line) => changeIn(line, changing)),
    ready: async () => (await client['host.info']({})).protocol > 0,
  });
  return {
    options,
    service,
    client,
    socket,
    tokenFile: resolve(options.home, 'token'),
    url: `http://127.0.0.1:${port}`,
    stop: () => service.stop(),
  };
}

/** con's log is a JSON object a line; a change to the host is told in a member of its own. */
function changeIn(line: string, tell: (change: string) => void): void {
  if (!line.startsWith('{')) return;
  const { change } = JSON.parse(line) as { change?: string };
  if (change) tell(change);
}

/** A con for one test run: everything it makes carries a name that nobody else has. */
export function ownCon(driver: 'linux' | 'fake'): ConOptions {
  const name = `t${randomBytes(3).toString('hex').slice(0, 5)}`;
  const lane = 100 + (randomBytes(1)[0]! % 100);
  return {
    driver,
    name,
    home: `/var/lib/berth-test/${name}`,
    runDirectory: `/run/berth-test/${name}`,
    network: lane,
    firstPort: 30_000 + (lane - 100) * 100,
    lastPort: 30_099 + (lane - 100) * 100,
    env: { CON_BASE_CACHE: process.env['BERTH_TEST_CACHE'] ?? '/var/cache/berth-test' },
  };
}

/** A port that nobody listens on now. */
export function freePort(): number {
  const taken = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1))
      .map((line) => parseInt(line.trim().split(/\s+/)[1]?.split(':')[1] ?? '0', 16)),
  );
  for (;;) {
    const port = 15_000 + (randomBytes(2).readUInt16BE() % 5_000);
    if (!taken.has(port)) return port;
  }
}
