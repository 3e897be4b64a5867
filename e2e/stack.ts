import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { catalogueEntries, ensureTemplate } from '../tools/catalogue.ts';
import { freePort, ownCon, type ConOptions, type RunningCon } from '../tools/con-service.ts';
import { ensureDatabase } from '../tools/database.ts';
import { driverHere } from '../tools/driver.ts';
import { startPostgres } from '../tools/postgres/cluster.ts';
import { makeAdmin, startSite } from '../tools/site-service.ts';
import { root } from '../tools/sources.ts';
import { sweepHost } from '../tools/sweep.ts';
import { keepCon, type ConFacts, type KeptCon } from './kept-con.ts';

/** What the tests know of the installation that was made for them. */
export type Facts = Readonly<{
  url: string;
  driver: 'linux' | 'fake';
  admin: { email: string; password: string };
  /** con's own sockets: tests compare what the browser shows with what con says. */
  cons: readonly [first: ConFacts, second: ConFacts];
  sitePid: number;
  /** To run site's own commands against the same installation. */
  siteMain: string;
  siteEnv: Readonly<Record<string, string>>;
}>;

export type Stack = Readonly<{ facts: Facts; stop(): Promise<void> }>;

/** A second on costs a cent (26,280 = 0.01 × 3,600 × 730), so that a journey of a minute has an amount to look at. */
const dearTariff = {
  id: 'journey',
  currency: 'EUR',
  sizes: [{ id: 'small', memoryBytes: 256 * 1024 ** 2, cpuMillis: 1000, pids: 256, run: '26280' }],
  cpu: '0',
  memory: '0',
  disk: '0',
  traffic: '0',
};

/** PostgreSQL, two cons, site and the dashboard, all of them real; everything carries a random name and is taken away. */
export async function startStack(say: (line: string) => void): Promise<Stack> {
  const here = await driverHere();
  if (here.driver === 'fake' && process.env['BERTH_MUST_HAVE_ALL'])
    throw new Error(`cannot test on real containers: ${here.because}`);
  const undo: (() => Promise<void> | void)[] = [];
  /** Takes everything away, also where something cannot be; that is told at the end. */
  const stop = async (): Promise<void> => {
    const failed: unknown[] = [];
    for (const one of undo.reverse())
      await Promise.resolve()
        .then(one)
        .catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw new AggregateError(failed, 'cannot take all of the stack away');
  };
  try {
    mkdirSync('/var/lib/berth-test', { recursive: true, mode: 0o755 });
    const directory = mkdtempSync('/tmp/berth-e2e-');
    chmodSync(directory, 0o711); // PostgreSQL runs as another user and has to pass through
    undo.push(() => rmSync(directory, { recursive: true, force: true }));
    const cluster = await startPostgres({
      directory: join(directory, 'postgres'),
      binaries: '/var/lib/berth-test',
      durable: false,
    });
    undo.push(() => cluster.stop());
    const databases = await ensureDatabase(cluster, 'berth', join(directory, 'roles.json'));
    const first = await oneCon('first', ownCon(here.driver), directory, undo);
    const second = await oneCon('second', ownCon('fake'), directory, undo);
    for (const entry of catalogueEntries()) await ensureTemplate(first.con, entry, say);
    await offerHello(second.con);
    const site = await startSite({
      directory,
      databases,
      hosts: [
        { name: 'first', con: first.con },
        { name: 'second', con: second.con },
      ],
      listenPort: freePort(),
      env: { SITE_TARIFF: JSON.stringify(dearTariff) },
    });
    undo.push(() => site.stop());
    const email = 'admin@example.org';
    const printed = await makeAdmin(site, email);
    const password = /password:?\s+(\S+)/i.exec(printed)?.[1];
    if (!password) throw new Error(`cannot read the admin's password from: ${printed}`);
    return {
      facts: {
        url: site.url,
        driver: here.driver,
        admin: { email, password },
        cons: [first.facts, second.facts],
        sitePid: site.service.pid,
        siteMain: resolve(root, 'apps/site/dist/main.js'),
        siteEnv: site.env,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function oneCon(
  name: string,
  options: ConOptions,
  directory: string,
  undo: (() => Promise<void> | void)[],
): Promise<KeptCon> {
  undo.push(async () => {
    if (options.driver === 'linux') await sweepHost(options);
    rmSync(options.home, { recursive: true, force: true });
    rmSync(options.runDirectory, { recursive: true, force: true });
  });
  const kept = await keepCon(name, options, directory);
  undo.push(() => kept.stop());
  return kept;
}

/** A template that only the second con has, so that its containers are placed there. */
async function offerHello({ client }: RunningCon): Promise<void> {
  const confile = 'FROM debian:bookworm\nEXPOSE 80\nLABEL berth.title="Hello" berth.sentence.en="Says hello."';
  const template = { name: 'hello', version: '1' };
  await client['templates.build']({ ...template, confile });
  while ((await client['templates.get'](template)).template.state !== 'ready') await delay(50);
}
