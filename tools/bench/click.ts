import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { catalogueEntries, ensureTemplate } from '../catalogue.ts';
import { freePort, ownCon, startCon, type RunningCon } from '../con-service.ts';
import { ensureDatabase } from '../database.ts';
import { driverHere } from '../driver.ts';
import { statusOf } from '../http-status.ts';
import { startPostgres } from '../postgres/cluster.ts';
import { startSite } from '../site-service.ts';
import { sweepHost } from '../sweep.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { Visitor } from './visitor.ts';

type Row = Readonly<{ id: string; state: string; url?: string }>;

const rounds = 15;

/** From the request that a click on Start sends to site, to the first page that the app's address answers. */
export async function run(): Promise<readonly Figure[]> {
  const here = await driverHere();
  if (here.driver === 'fake') throw new Error(`cannot measure a click: ${here.because}`);
  const options = ownCon('linux');
  const directory = mkdtempSync('/tmp/berth-bench-');
  chmodSync(directory, 0o711);
  mkdirSync('/var/lib/berth-test', { recursive: true, mode: 0o755 });
  const undo: (() => Promise<void> | void)[] = [
    () => rmSync(directory, { recursive: true, force: true }),
    () => rmSync(options.home, { recursive: true, force: true }),
    () => sweepHost(options),
  ];
  try {
    const con = await startCon(options);
    undo.push(() => con.stop());
    await ensureTemplate(
      con,
      catalogueEntries().find(({ name }) => name === 'nginx')!,
      console.log,
    );
    const postgres = { directory: join(directory, 'postgres'), binaries: '/var/lib/berth-test', durable: false };
    const cluster = await startPostgres(postgres);
    undo.push(() => cluster.stop());
    const databases = await ensureDatabase(cluster, 'berth', join(directory, 'roles.json'));
    const site = await startSite({ directory, databases, hosts: [{ name: 'here', con }], listenPort: freePort() });
    undo.push(() => site.stop());
    return await measure(site.url, con);
  } finally {
    for (const one of undo.reverse()) await one();
  }
}

async function measure(url: string, con: RunningCon): Promise<readonly Figure[]> {
  const visitor = new Visitor(url);
  await visitor.signUp('visitor@example.org');
  const base = spawnOfTrue();
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = { app: 'nginx', version: '1', name: `n${round}`, size: 'small' };
    const { id } = await visitor.ask<Row>('POST', '/api/containers', order);
    await settled(con, id, 'stopped');
    first.push(await click(visitor, con, id));
    await con.client['containers.stop']({ id });
    await settled(con, id, 'stopped');
    again.push(await click(visitor, con, id));
    await con.client['containers.stop']({ id });
    await settled(con, id, 'stopped');
  }
  return [
    base,
    ...against(
      [
        figure("click to nginx's first 200, first boot", first, { aim: 600 }),
        figure("click to nginx's first 200, later boots", again, { aim: 600 }),
      ],
      base,
    ),
  ];
}

async function click(visitor: Visitor, con: RunningCon, id: string): Promise<number> {
  const { container } = await con.client['containers.get']({ id });
  const started = performance.now();
  await visitor.ask('POST', `/api/containers/${id}/start`);
  while ((await statusOf(container.url!)) !== 200) await delay(3);
  return performance.now() - started;
}

async function settled(con: RunningCon, id: string, state: string): Promise<void> {
  while ((await con.client['containers.get']({ id })).container.state !== state) await delay(5);
}
