import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { conClient, type ConClient, type Sample } from '@berth/con-protocol';
import { pino } from 'pino';
import { readConfig } from '../../con/src/config.js';
import { startDaemon } from '../../con/src/daemon.js';
import { Customers } from '../src/customers/customers.js';
import { Browser } from './browser.js';
import { testSite, type TestSite } from './site.js';

type Line = { lease: string; measure: string; quantity: string; nanos: string; priceNanos: string; pricePer: string };
type Row = { id: string; state: string };

let home: string;
let stopCon: () => Promise<void>;
let con: ConClient;
let site: TestSite;
let ann: Browser;
let admin: Browser;

/** Both programs as they are, con on its fake host: nothing between the journal and the invoice is made up here. */
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'money-con-'));
  const settings = { driver: 'fake', home, runDirectory: home, listenPort: '0', appsHost: '198.51.100.7' };
  const daemon = await startDaemon(readConfig(settings, {}), pino({ level: 'silent' }));
  stopCon = () => daemon.close();
  con = conClient({ socketPath: join(home, 'con.sock') });
  await con['templates.build']({ name: 'page', version: '1', confile: 'FROM debian:bookworm\nEXPOSE 80\n' });
  await until(async () => (await con['templates.get']({ name: 'page', version: '1' })).template.state === 'ready');
  site = await testSite({
    SITE_HOSTS: JSON.stringify([{ name: 'one', url: `http://127.0.0.1:${daemon.port}`, tokenVariable: 'TOKEN' }]),
    TOKEN: readFileSync(join(home, 'token'), 'utf8').trim(),
  });
  ann = await Browser.of(site.url, 'ann@example.org');
  const { password } = await site.app.get(Customers).makeAdmin('admin@example.org');
  admin = await Browser.of(site.url, 'admin@example.org', password);
}, 60_000);

afterAll(async () => {
  await site.close();
  await stopCon();
  rmSync(home, { recursive: true });
});

/** Asks again until it is so; jest's own deadline ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((again) => setTimeout(again, 20));
}

async function isIn(state: string, id: string): Promise<boolean> {
  const { containers } = (await (await ann.get('/api/containers')).json()) as { containers: Row[] };
  return containers.find((row) => row.id === id)?.state === state;
}

async function journalOf(id: string): Promise<Sample[]> {
  const { samples } = await con['usage.read']({ limit: 10_000 });
  return samples.filter(({ container }) => container === id);
}

async function invoiceUpToNow(key: string = randomUUID()): Promise<{ number: string; lines: Line[] } | undefined> {
  const [customer] = await site.db.query<{ id: string }>(`select id from customer where email = 'ann@example.org'`);
  const answer = await admin.post(`/api/admin/customers/${customer?.id}/invoices`, undefined, {
    'Idempotency-Key': key,
  });
  expect(answer.status).toBe(200);
  const { invoice } = (await answer.json()) as { invoice?: { number: string } };
  if (!invoice) return undefined;
  return (await (await ann.get(`/api/invoices/${invoice.number}`)).json()) as { number: string; lines: Line[] };
}

const sum = (values: readonly (string | bigint)[]) => values.reduce<bigint>((all, value) => all + BigInt(value), 0n);

it("every millisecond of con's journal is on an invoice once, through a click while it runs and one after its stop", async () => {
  const order = { app: 'page', version: '1', name: 'shop', size: 'small' };
  let added = await ann.post('/api/containers', order, { 'Idempotency-Key': 'shop' });
  await until(async () => {
    if (added.status === 503) added = await ann.post('/api/containers', order, { 'Idempotency-Key': 'shop' });
    return added.status !== 503; // until site has looked at the host for the first time
  });
  expect(added.status).toBe(200);
  const { id } = (await added.json()) as Row;
  await until(() => isIn('stopped', id));
  expect((await ann.post(`/api/containers/${id}/start`)).status).toBe(200);
  await until(() => isIn('running', id));
  await until(async () => {
    await con['usage.read']({ cut: true });
    return sum((await journalOf(id)).map(({ runMs }) => runMs)) > 0n;
  });
  const first = await invoiceUpToNow('one-click');
  const again = await invoiceUpToNow('one-click'); // it still runs: another click would find something due
  expect(again?.number).toBe(first?.number);
  expect((await ann.post(`/api/containers/${id}/stop`)).status).toBe(200);
  await until(() => isIn('stopped', id));
  const second = await invoiceUpToNow();
  expect(await invoiceUpToNow()).toBeUndefined();

  const lines = [first, second].flatMap((invoice) => invoice?.lines ?? []);
  const runMs = sum((await journalOf(id)).map((sample) => sample.runMs));
  expect(runMs).toBeGreaterThan(0n);
  expect(sum(lines.map(({ quantity }) => quantity))).toBe(runMs);
  expect(first?.lines[0]?.quantity).not.toBe('0');
  for (const line of lines) expect(line).toMatchObject({ lease: id, measure: 'run', priceNanos: '2190000000' });
  expect((await billing()).unbilledNanos).toBe('0');
}, 60_000);

async function billing(): Promise<{ unbilledNanos: string }> {
  return (await (await ann.get('/api/billing')).json()) as { unbilledNanos: string };
}
