import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Billing, CustomerSummary, Invoice, InvoiceSummary } from '@berth/site-api';
import { DataSource } from 'typeorm';
import { Customers } from '../src/customers/customers.js';
import { sealEntries } from '../src/ledger/seal.js';
import { verifyLedger } from '../src/ledger/verify.js';
import { Browser } from './browser.js';
import { testCon, withCons, type TestCon } from './con.js';
import { ConJournal } from './con-journal.js';
import { textOf } from './pdf-text.js';
import { testSite, type TestSite } from './site.js';

jest.setTimeout(60_000); // databases and PDFs on a busy machine

type Wire<T> = { [K in keyof T]: T[K] extends bigint ? string : T[K] extends (infer I)[] ? Wire<I>[] : T[K] };

let con: TestCon;
let site: TestSite;
let ann: Browser;
let admin: Browser;
const journal = new ConJournal('one');
const price = 2_190_000_000n;

beforeAll(async () => {
  con = await testCon('one');
  con.instead['usage.read'] = (params) => journal.journal.read(params);
  site = await testSite(withCons(con));
  ann = await Browser.of(site.url, 'ann@example.org');
  const { password } = await site.app.get(Customers).makeAdmin('admin@example.org');
  admin = await Browser.of(site.url, 'admin@example.org', password);
}, 60_000);
afterAll(async () => {
  await site.close();
  await con.close();
});

const json = async <T>(response: Promise<Response>): Promise<T> => {
  const answer = await response;
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
};
const idOf = async (email: string): Promise<string> =>
  (await site.db.query<{ id: string }>('select id from customer where email = $1', [email]))[0]?.id ?? '';
const billing = (who: Browser) => json<Wire<Billing>>(who.get('/api/billing'));
const issue = async (email: string) =>
  (await json<{ invoice?: Wire<InvoiceSummary> }>(admin.post(`/api/admin/customers/${await idOf(email)}/invoices`)))
    .invoice;
const invoicesOf = async (who: Browser) =>
  (await json<{ items: Wire<InvoiceSummary>[] }>(who.get('/api/invoices'))).items;
const topUp = async (email: string, nanos: unknown, reference: unknown) =>
  admin.post(`/api/admin/customers/${await idOf(email)}/top-ups`, { nanos, reference });

async function addContainer(who: Browser, name: string): Promise<string> {
  const order = { app: 'django', version: '3.2', name, size: 'small' };
  return (await json<{ id: string }>(who.post('/api/containers', order, { 'Idempotency-Key': randomUUID() }))).id;
}

/** A moment of the current UTC hour, so that nothing of it is posted before somebody clicks. */
function thisHour(ms: number): string {
  return new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 + ms).toISOString();
}

describe('K money: from the trial credit to the invoice', () => {
  let app: string;

  it('a newcomer has the trial credit once, and owes nothing', async () => {
    expect(await billing(ann)).toMatchObject({
      balanceNanos: '5000000000',
      unbilledNanos: '0',
      leftNanos: '5000000000',
    });
  });

  it('the click samples first, and its invoice equals the journal to the millisecond', async () => {
    app = await addContainer(ann, 'shop');
    journal.add({ container: app, from: thisHour(0), to: thisHour(7_001), runMs: 7_001n });
    journal.onCut = () => {
      journal.onCut = () => undefined;
      journal.add({ container: app, from: thisHour(7_001), to: thisHour(9_250), runMs: 2_249n });
    };
    const summary = await issue('ann@example.org');
    const invoice = await json<Wire<Invoice>>(ann.get(`/api/invoices/${summary?.number}`));
    const expected = (9_250n * price + 1_314_000_000n) / 2_628_000_000n;
    expect(invoice.lines).toMatchObject([
      { lease: app, measure: 'run', quantity: '9250', nanos: expected.toString(), priceNanos: price.toString() },
    ]);
    expect(journal.asked.some(({ cut }) => cut === true)).toBe(true);
    expect((await invoicesOf(ann)).map(({ number }) => number)).toEqual([summary?.number]);
  });

  it('clicked again, and eight times at once, it makes nothing more', async () => {
    const again = await Promise.all(Array.from({ length: 8 }, () => issue('ann@example.org')));
    expect(again.filter((invoice) => invoice !== undefined)).toEqual([]);
    expect(await invoicesOf(ann)).toHaveLength(1);
  });

  it('the PDF says the same, is private, and comes under its own name', async () => {
    const [{ number } = { number: '' }] = await invoicesOf(ann);
    const answer = await ann.get(`/api/invoices/${number}/pdf`);
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    expect(answer.headers.get('content-disposition')).toBe(`inline; filename="${number}.pdf"`);
    expect(answer.headers.get('cache-control')).toMatch(/private|no-store/);
    const text = await textOf(Buffer.from(await answer.arrayBuffer()));
    for (const piece of [number, 'shop: time on', '9.25 s', '€2.19', '€0.000007708', 'A person'])
      expect(text).toContain(piece);
  });

  it('the rest of the hour is on the next invoice', async () => {
    journal.add({ container: app, from: thisHour(9_250), to: thisHour(10_000), runMs: 750n });
    const summary = await issue('ann@example.org');
    const { lines } = await json<Wire<Invoice>>(ann.get(`/api/invoices/${summary?.number}`));
    expect(lines).toMatchObject([{ quantity: '750', from: thisHour(9_250), to: thisHour(10_000) }]);
  });
});

describe('K money: who may see and do what', () => {
  it.each(['/api/invoices', '/api/billing', '/api/admin/invoices'])('nobody sees %s unless signed in', async (path) => {
    expect((await new Browser(site.url).get(path)).status).toBe(401);
  });

  it("another customer's invoice is as if it did not exist, and an admin's routes are an admin's", async () => {
    const bob = await Browser.of(site.url, 'bob@example.org');
    const [{ number } = { number: '' }] = await invoicesOf(ann);
    expect((await bob.get(`/api/invoices/${number}`)).status).toBe(404);
    expect((await bob.get(`/api/invoices/${number}/pdf`)).status).toBe(404);
    expect(await invoicesOf(bob)).toEqual([]);
    const own = await idOf('bob@example.org');
    for (const [path, body] of [
      [`/api/admin/customers/${own}/top-ups`, { nanos: '1000000000', reference: 'mine' }],
      [`/api/admin/customers/${own}/invoices`, {}],
    ] as const) {
      expect((await bob.post(path, body)).status).toBe(403);
    }
    expect((await bob.get('/api/admin/invoices')).status).toBe(403);
    expect((await json<{ items: unknown[] }>(admin.get('/api/admin/invoices'))).items.length).toBeGreaterThan(0);
    expect((await admin.get(`/api/invoices/${number}/pdf`)).status).toBe(200);
  });

  it('no customer, no money: an unknown id is not found', async () => {
    expect((await admin.post('/api/admin/customers/nobody/top-ups', { nanos: '1', reference: 'x' })).status).toBe(404);
    expect((await admin.post('/api/admin/customers/nobody/invoices')).status).toBe(404);
  });
});

describe('K money: a top-up', () => {
  it('is booked once for a reference, far beyond 2^53, and is a conflict with another amount', async () => {
    await Browser.of(site.url, 'cara@example.org');
    const huge = '9007199254740993000000001';
    const answers = await Promise.all(Array.from({ length: 6 }, () => topUp('cara@example.org', huge, 'statement 7')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const summary = (await answers[0]?.json()) as Wire<CustomerSummary>;
    expect(summary.balanceNanos).toBe((5_000_000_000n + BigInt(huge)).toString());
    const booked = await Promise.all(
      answers.slice(1).map((answer) => json<{ booked: boolean }>(Promise.resolve(answer))),
    );
    expect([...booked, summary as unknown as { booked: boolean }].filter((one) => one.booked)).toHaveLength(1);
    const again = await json<Wire<CustomerSummary> & { booked: boolean }>(
      topUp('cara@example.org', huge, ' Ｓtatement\u00a07'),
    );
    expect([again.booked, again.balanceNanos]).toEqual([false, summary.balanceNanos]);
    expect((await topUp('cara@example.org', '1', 'statement 7')).status).toBe(409);
    expect((await topUp('ann@example.org', huge, 'statement 7')).status).toBe(409);
  });

  it.each([0, '0', '-1', 1.5, '1.5', '1e9', 'NaN', '', null, {}, '9'.repeat(38), '9'.repeat(39), '9'.repeat(60)])(
    'of %j is refused',
    async (nanos) => {
      expect((await topUp('ann@example.org', nanos, `odd ${String(nanos)}`)).status).toBe(422);
    },
  );

  it.each(['', '   ', 'x'.repeat(101), 'a\u0000b', 'a\u202eb', 'a\nb'])(
    'under the reference %j is refused',
    async (reference) => {
      expect((await topUp('ann@example.org', '1', reference)).status).toBe(422);
    },
  );
});

describe('K money: standing', () => {
  it('whoever has nothing left cannot start; a top-up changes that', async () => {
    const dan = await Browser.of(site.url, 'dan@example.org');
    const app = await addContainer(dan, 'late');
    await site.app.get(DataSource).query(`update lease set created_at = '2026-01-01' where id = $1`, [app]);
    for (let hours = 400; hours > 0; hours -= 1) {
      const [from, to] = [thisHour(-hours * 3_600_000), thisHour((1 - hours) * 3_600_000)];
      journal.add({ container: app, from, to, tariffTag: 'demo:large' });
    }
    await json(admin.post(`/api/admin/customers/${await idOf('dan@example.org')}/invoices`));
    expect(BigInt((await billing(dan)).leftNanos)).toBeLessThan(0n);
    expect((await dan.post(`/api/containers/${app}/start`)).status).toBe(403);
    await topUp('dan@example.org', '100000000000000', 'for dan');
    expect(BigInt((await billing(dan)).leftNanos)).toBeGreaterThan(0n);
    expect((await dan.post(`/api/containers/${app}/start`)).status).toBe(200);
  });
});

describe('K money: a silent host', () => {
  it('keeps no invoice from going out with what is known', async () => {
    const eve = await Browser.of(site.url, 'eve@example.org');
    const app = await addContainer(eve, 'quiet');
    journal.add({ container: app, from: thisHour(0), to: thisHour(5_000) });
    await issue('eve@example.org');
    con.instead['usage.read'] = () => new Promise(() => undefined);
    expect(await issue('eve@example.org')).toBeUndefined();
    expect((await eve.get('/api/invoices')).status).toBe(200);
    con.instead['usage.read'] = (params) => journal.journal.read(params);
  }, 20_000);
});

describe('K money: at the end of it all', () => {
  it('the books verify, and every account sums to zero with the others', async () => {
    const db = site.app.get(DataSource);
    await db.transaction((tx) => sealEntries(tx, new Date(0)));
    expect((await verifyLedger(db.manager)).alarms).toEqual([]);
  });
});
