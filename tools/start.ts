/** `npm start`: everything, on one machine, from a clone. Says each change to the host before it makes it. */
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from './build.ts';
import { catalogueEntries, ensureTemplate } from './catalogue.ts';
import { startCon, type RunningCon } from './con-service.ts';
import { ensureDatabase } from './database.ts';
import { driverHere } from './driver.ts';
import { hostPackages, installPackages } from './host-packages.ts';
import { installation } from './installation.ts';
import { startPostgres } from './postgres/cluster.ts';
import { makeAdmin, startSite } from './site-service.ts';

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
  const here = await driverHere();
  const { state, packages, postgres, roles, site: siteDirectory, con: options } = installation(here.driver);
  mkdirSync(state, { recursive: true, mode: 0o755 });
  if (here.driver === 'fake') say(`No real containers: ${here.because}. con runs its fake host, which pretends.`);
  else await installPackages(hostPackages, packages, say);
  await build(say);

  const cluster = await startPostgres({ directory: postgres, binaries: state });
  stops.push(() => cluster.stop());
  const databases = await ensureDatabase(cluster, 'berth', roles);

  const con = await startCon(options, (line) => say(`Change to this host: ${line}`));
  stops.push(() => con.stop());
  const info = await con.client['host.info']({});
  for (const { what, cure } of info.warnings) say(`Warning: ${what}. Cure: ${cure}`);

  const isFirst = !existsSync(resolve(siteDirectory, 'site.log'));
  const hosts = [{ name: 'here', con }];
  const site = await startSite({ directory: siteDirectory, databases, hosts, listenPort: 8080 });
  stops.push(() => site.stop());
  for (const { service } of [con, site]) {
    service.whenItDies((message) => {
      console.error(message);
      void stop(1);
    });
  }
  if (isFirst) say(`\nThe first admin (this is printed once):\n${await makeAdmin(site, 'admin@example.org')}`);

  say(`\nBerth is at ${site.url}\n`);
  await buildCatalogue(con);
}

/** The pages work meanwhile: an app is offered as soon as its template is ready. */
async function buildCatalogue(con: RunningCon): Promise<void> {
  for (const entry of catalogueEntries()) {
    if (stopping) return;
    await ensureTemplate(con, entry, say).catch((error: unknown) => {
      if (!stopping) console.error(`cannot build ${entry.name}:${entry.version}: ${String(error)}`);
    });
  }
  if (!stopping) say('The demo templates are ready. Ctrl-C stops.');
}
