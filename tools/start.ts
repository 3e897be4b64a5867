/** `npm start`: everything, on one machine, from a clone. Says each change to the host before it makes it. */
import { connect } from 'node:net';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from './build.ts';
import { catalogueEntries, ensureTemplate } from './catalogue.ts';
import { startCon, type ConOptions, type RunningCon } from './con-service.ts';
import { ensureDatabase, hasAdmin } from './database.ts';
import { driverHere } from './driver.ts';
import { hostPackages, installPackages } from './host-packages.ts';
import { installation } from './installation.ts';
import { endLeftovers, runningStart, startFileIn } from './leftovers.ts';
import { startPostgres } from './postgres/cluster.ts';
import { makeAdmin, startSite } from './site-service.ts';

const say = (line: string): void => console.log(line);
const stops: (() => Promise<void>)[] = [];
let stopping = false;

/** Last started, first stopped. */
async function stop(code: number): Promise<never> {
  if (stopping) return new Promise(() => undefined); // whoever was first ends this process, once all has stopped
  stopping = true;
  for (const one of stops.reverse()) await one().catch((error: unknown) => console.error(error));
  process.exit(code);
}

process.on('SIGINT', () => {
  if (stopping) return;
  say('\nStopping. Containers that run keep running; `npm run teardown` removes them with all the rest.');
  void stop(0);
});
// A terminal that is closed is as good as Ctrl-C; nobody reads what is printed then.
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await stop(1);
}

async function start(): Promise<void> {
  const here = await driverHere();
  const before = installation(here.driver);
  mustBeTheOnlyOne(before.state);
  if ((await endLeftovers([before.site, before.con.home])) > 0) say('Ended what a start that was killed left running.');
  const listenPort = await freePort();
  const { state, packages, postgres, roles, site: siteDirectory, con: options } = installation(here.driver);
  mkdirSync(state, { recursive: true, mode: 0o755 });
  if (here.driver === 'fake') say(`No real containers: ${here.because}. con runs its fake host, which pretends.`);
  else await installPackages(hostPackages, packages, say);
  await build(say);

  const cluster = await startPostgres({ directory: postgres, binaries: state });
  stops.push(() => cluster.stop()); // one that a killed start left is ours too: nobody else works in this state
  const databases = await ensureDatabase(cluster, 'berth', roles);

  const con = await startCon(options, (line) => say(`Change to this host: ${line}`));
  const kept = keep(con, options);
  stops.push(() => kept.stop());
  const info = await con.client['host.info']({});
  for (const { what, cure } of info.warnings) say(`Warning: ${what}. Cure: ${cure}`);

  const hosts = [{ name: 'here', con }];
  const site = await startSite({ directory: siteDirectory, databases, hosts, listenPort });
  stops.push(() => site.stop());
  site.service.whenItDies(giveUp);
  if (!(await hasAdmin(databases))) {
    say(`\nThe first admin (this is printed once):\n${await makeAdmin(site, 'admin@example.org')}`);
  }

  say(`\nBerth is at ${site.url}\n`);
  await buildCatalogue(con);
}

function giveUp(message: string): void {
  console.error(message);
  void stop(1);
}

/** Containers go on without con, so that it is started again where it dies; not for the third time within a minute. */
function keep(first: RunningCon, options: ConOptions): { stop(): Promise<void> } {
  let current = first;
  let deaths: readonly number[] = [];
  const watch = (): void => {
    current.service.whenItDies((message) => {
      deaths = [...deaths, Date.now()].filter((at) => at > Date.now() - 60_000);
      if (deaths.length > 2) return giveUp(message);
      console.error(`${message}. It is started again.`);
      startCon(options).then(
        (again) => {
          current = again;
          if (stopping) void current.stop();
          else watch();
        },
        (error: unknown) => giveUp(String(error)),
      );
    });
  };
  watch();
  return { stop: () => current.stop() };
}

/** Two would share one state, and the second to end would take the database of the first along. */
function mustBeTheOnlyOne(state: string): void {
  mkdirSync(state, { recursive: true, mode: 0o755 });
  const file = startFileIn(state);
  const pid = runningStart(state);
  if (pid !== undefined) {
    throw new Error(`Berth runs already, as process ${pid}, out of ${state}: stop it there with Ctrl-C first.`);
  }
  writeFileSync(file, `${process.pid}\n`);
  stops.push(() => Promise.resolve(rmSync(file, { force: true })));
}

/** Asked for before anything is changed: another program's answer there would be taken for ours. */
async function freePort(): Promise<number> {
  const port = Number(process.env['BERTH_PORT'] ?? 8080);
  const isTaken = await new Promise<boolean>((settle) => {
    const probe = connect(port, '127.0.0.1', () => settle(true)).on('error', () => settle(false));
    probe.once('connect', () => probe.destroy());
  });
  if (isTaken)
    throw new Error(`Port ${port} is taken by another program: end it, or choose another: BERTH_PORT=8081 npm start`);
  return port;
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
