/** `npm start`: everything, on one machine, from a clone. Says each change to the host before it makes it. */
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from './build.ts';
import { catalogueEntries, ensureTemplate } from './catalogue.ts';
import { startCon } from './con-service.ts';
import { ensureDatabase } from './database.ts';
import { driverHere } from './driver.ts';
import { hostPackages, installPackages } from './host-packages.ts';
import { startPostgres } from './postgres/cluster.ts';
import { makeAdmin, startSite } from './site-service.ts';
import { stateDirectory } from './state.ts';

const say = (line: string): void => console.log(line);
const stops: (() => Promise<void>)[] = [];
let stopping = false;

/** Last started, first stopped. */
async function stop(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const one of stops.reverse()) await one().catch((error: unknown) => console.error(error));
  }
  process.exit(code);
}

process.on('SIGINT', () => {
  if (stopping) return;
  say('\nStopping. Containers that run keep running; `npm run teardown` removes them with all the rest.');
  void stop(0);
});
process.on('SIGTERM', () => void stop(0));

try {
  await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await stop(1);
}

async function start(): Promise<void> {
  const state = stateDirectory();
  mkdirSync(state, { recursive: true, mode: 0o755 });
  const here = await driverHere();
  if (here.driver === 'fake') say(`No real containers: ${here.because}. con runs its fake host, which pretends.`);
  else await installPackages(hostPackages, resolve(state, 'packages.json'), say);
  await build(say);

  const cluster = await startPostgres({ directory: resolve(state, 'postgres'), binaries: state });
  stops.push(() => cluster.stop());
  const databases = await ensureDatabase(cluster, 'berth', resolve(state, 'postgres', 'roles.json'));

  const con = await startCon({
    driver: here.driver,
    name: 'con',
    home: resolve(state, 'con'),
    runDirectory: process.getuid?.() === 0 ? '/run/berth/con' : resolve(state, 'run'),
    network: 77,
    firstPort: 20_000,
    lastPort: 29_999,
    listenPort: 7077,
    env: { CON_SAY_CHANGES: '1' },
  });
  stops.push(() => con.stop());
  const info = await con.client['host.info']({});
  for (const { what, cure } of info.warnings) say(`Warning: ${what}. ${cure}`);

  const fresh = !existsSync(resolve(state, 'site', 'site.log'));
  const site = await startSite({
    directory: resolve(state, 'site'),
    databases,
    hosts: [{ name: 'here', con }],
    listenPort: 8080,
  });
  stops.push(() => site.stop());
  for (const { service } of [con, site]) {
    service.whenItDies((message) => {
      console.error(message);
      void stop(1);
    });
  }
  if (fresh) say(`\nThe first admin (this is printed once):\n${await makeAdmin(site, 'admin@example.org')}`);

  say(`\nBerth is at ${site.url}\n`);
  for (const entry of catalogueEntries()) {
    await ensureTemplate(con, entry, say).catch((error: unknown) =>
      console.error(`cannot build ${entry.name}:${entry.version}: ${String(error)}`),
    );
  }
  say('All demo templates are ready. Ctrl-C stops.');
}
