/**
 * `npm run dev [-- con | site]`: everything, or one program alone, restarted when its source is saved; the dashboard
 * under Angular's own server, which hands /api on to site. con pretends unless BERTH_DRIVER=linux asks for more.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildServers } from './build.ts';
import { ensureDatabase } from './database.ts';
import { development } from './installation.ts';
import { startPostgres } from './postgres/cluster.ts';
import { mustRun } from './run.ts';
import { root } from './sources.ts';

const wanted = process.argv.slice(2);
if (wanted.some((word) => word !== 'con' && word !== 'site')) {
  console.error('usage: npm run dev [-- con | site]');
  process.exit(2);
}
const all = wanted.length === 0;
const driver = process.env['BERTH_DRIVER'] === 'linux' ? 'linux' : 'fake';
const { state, postgres, roles, con } = development(driver);
const socket = resolve(con.runDirectory, 'con.sock');
const sitePort = '8081';
const children: ChildProcess[] = [];
const stops: (() => Promise<void>)[] = [];

/** A program that lives as long as this one; its lines go to the terminal. */
/** Otherwise nx takes the terminal, and its Ctrl-C, for itself. */
const ownTerminal = { NX_NATIVE_COMMAND_RUNNER: 'false' };

function keep(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  children.push(
    spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env, ...ownTerminal },
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
}

/** Node itself restarts a program when a file that it has loaded was built anew. */
function reload(main: string, words: readonly string[], env: Readonly<Record<string, string>>): void {
  keep(process.execPath, ['--no-warnings', '--watch', '--watch-preserve-output', resolve(root, main), ...words], env);
}

async function siteEnvironment(): Promise<Readonly<Record<string, string>>> {
  const cluster = await startPostgres({ directory: postgres, binaries: state });
  stops.push(() => cluster.stop());
  const databases = await ensureDatabase(cluster, 'berth', roles);
  const env = {
    SITE_DATABASE_URL: databases.serving,
    SITE_DATABASE_OWNER_URL: databases.owner,
    SITE_LISTEN_PORT: sitePort,
    SITE_BASE_URL: all ? 'http://localhost:4200' : `http://localhost:${sitePort}`,
    SITE_HOSTS: JSON.stringify(all ? [{ name: 'here', socketPath: socket }] : []),
  };
  await mustRun(process.execPath, ['--no-warnings', resolve(root, 'apps/site/dist/main.js'), 'migrate'], { env });
  return env;
}

async function stop(): Promise<never> {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => child.exitCode ?? new Promise((ended) => child.once('exit', ended))));
  for (const one of stops.reverse()) await one();
  process.exit(0);
}
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());

mkdirSync(state, { recursive: true, mode: 0o755 });
await buildServers(console.log);
keep('tsc', ['-b', '--watch', '--preserveWatchOutput']);
if (all || wanted.includes('con')) {
  const words = Object.entries({
    driver,
    name: con.name,
    home: con.home,
    'run-directory': con.runDirectory,
    'listen-port': String(con.listenPort),
    'address-pool': `10.${con.network}.0.0/16`,
    'first-port': String(con.firstPort),
    'last-port': String(con.lastPort),
  });
  reload('apps/con/dist/main.js', ['daemon', ...words.flatMap(([key, value]) => [`--${key}`, value])], {});
}
if (all || wanted.includes('site')) reload('apps/site/dist/main.js', [], await siteEnvironment());
if (all) {
  const proxy = resolve(state, 'proxy.json');
  writeFileSync(proxy, JSON.stringify({ '/api': { target: `http://127.0.0.1:${sitePort}`, secure: false } }));
  keep('nx', ['serve', 'dashboard', '--proxyConfig', proxy], { NX_DAEMON: 'false' });
}
console.log(all ? 'The dashboard will be at http://localhost:4200' : `Watching ${wanted.join(' and ')}; Ctrl-C stops`);
