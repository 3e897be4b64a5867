import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { catalogueEntries, ensureTemplate } from '../tools/catalogue.ts';
import { freePort, ownCon, startCon, type ConOptions, type RunningCon } from '../tools/con-service.ts';
import { ensureDatabase } from '../tools/database.ts';
import { driverHere } from '../tools/driver.ts';
import { startPostgres } from '../tools/postgres/cluster.ts';
import { makeAdmin, startSite } from '../tools/site-service.ts';
import { root } from '../tools/sources.ts';
import { sweepHost } from '../tools/sweep.ts';

/** What the tests know of the installation that was made for them. */
export type Facts = Readonly<{
  url: string;
  driver: 'linux' | 'fake';
  admin: { email: string; password: string };
  /** con's own sockets: tests compare what the browser shows with what con says. */
  cons: readonly { name: string; socket: string; pid: number; home: string }[];
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
  const stop = async (): Promise<void> => {
    for (const one of undo.reverse()) await one();
  };
  try {
    mkdirSync('/var/lib/berth-test', { recursive: true, mode: 0o755 });
    const directory = mkdtempSync('/tmp/berth-e2e-');
    undo.push(() => rmSync(directory, { recursive: true, force: true }));
    const cluster = await startPostgres({
      directory: join(directory, 'postgres'),
      binaries: '/var/lib/berth-test',
      durable: false,
    });
    undo.push(() => cluster.stop());
    const databases = await ensureDatabase(cluster, 'berth', join(directory, 'roles.json'));
    const first = await oneCon(ownCon(here.driver), undo);
    const second = await oneCon(ownCon('fake'), undo);
    for (const entry of catalogueEntries()) await ensureTemplate(first, entry, say);
    const site = await startSite({
      directory,
      databases,
      hosts: [
        { name: 'first', con: first },
        { name: 'second', con: second },
      ],
      listenPort: freePort(),
      env: { SITE_TARIFF: JSON.stringify(dearTariff) },
    });
    undo.push(() => site.stop());
    const email = 'admin@example.org';
    const printed = await makeAdmin(site, email);
    const password = /password:?\s+(\S+)/i.exec(printed)?.[1];
    if (!password) throw new Error(`cannot read the admin's password from: ${printed}`);
    const cons = [first, second].map((con, at) => ({
      name: at === 0 ? 'first' : 'second',
      socket: con.socket,
      pid: con.service.pid,
      home: con.options.home,
    }));
    return {
      facts: {
        url: site.url,
        driver: here.driver,
        admin: { email, password },
        cons,
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

async function oneCon(options: ConOptions, undo: (() => Promise<void> | void)[]): Promise<RunningCon> {
  undo.push(async () => {
    if (options.driver === 'linux') await sweepHost(options);
    rmSync(options.home, { recursive: true, force: true });
    rmSync(options.runDirectory, { recursive: true, force: true });
  });
  const con = await startCon(options);
  undo.push(() => con.stop());
  return con;
}
