import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { Archive } from '../src/invoices/archive.js';
import { Invoicing } from '../src/invoices/invoicing.js';
import { issueMonthly } from '../src/invoices/monthly.js';
import { customerAccount } from '../src/ledger/account.js';
import { Ledger } from '../src/ledger/ledger.js';
import { grantTrial } from '../src/ledger/trial.js';
import { collect } from '../src/metering/collector.js';
import { Costs } from '../src/metering/costs.js';
import { rateClosedHours } from '../src/metering/rating.js';
import { TariffBook } from '../src/metering/tariffs.js';
import { Payments } from '../src/payments/payments.js';
import { amountOf } from '../src/pricing/rate.js';
import { smallestPerPricedUnit } from '../src/pricing/measure.js';
import { demoTariff, Tariff } from '../src/pricing/tariff.js';
import { germanVat } from '../src/pricing/vat.js';
import { openBooks, type Books } from './books.js';
import { at, ConJournal } from './con-journal.js';
import { textOf } from './pdf-text.js';

jest.setTimeout(60_000); // databases and PDFs on a busy machine

const ledger = new Ledger('EUR');
const tariffs = new TariffBook(Tariff.parse(demoTariff));
const payments = new Payments(ledger);
const seller = {
  name: 'Hafen GmbH',
  street: 'Kai 1',
  postcode: '20457',
  city: 'Hamburg',
  country: 'DE',
  vatId: 'DE123456789',
};
const timeZone = 'Europe/Berlin';
const invoicing = new Invoicing({ ledger, tariffs, payments }, { seller, vat: germanVat, timeZone });
const costs = new Costs({ tariffs, vat: germanVat, timeZone });
const smallPrice = { nanos: 2_190_000_000n, per: smallestPerPricedUnit.run };

let books: Books;
let db: DataSource;
let archive: Archive;
let con: ConJournal;
let made = 0;
let ann: string;
let app: string;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
  archive = new Archive(db);
  await ledger.open(db.manager);
  await tariffs.open(db.manager);
});
afterAll(() => books.close());

beforeEach(async () => {
  made += 1;
  con = new ConJournal(`host-${made}`);
  con.instance = `instance-${made}`;
  ann = await books.customer(`ann-${made}`);
  app = await books.lease(`app-${made}`, ann, con.host);
});

const click = (now: string) => db.transaction((tx) => invoicing.issueUpToNow(tx, ann, 'adm', { now: new Date(now) }));
const monthly = (now: string, ask?: () => Promise<unknown>) =>
  issueMonthly(db, invoicing, { now: new Date(now), ...(ask ? { ask } : {}) });
const collectNow = () => collect(db, con.journal);
const rateNow = () => rateClosedHours(db, { ledger, tariffs });
const owned = (number: string | undefined) => archive.get(number ?? '', ann);
const balance = (book: 'balance' | 'unbilled' | 'receivable') => ledger.balance(db.manager, customerAccount(ann, book));
const transfers = (id: string): Promise<{ debit: string; credit: string; nanos: string }[]> =>
  db.query('select debit, credit, nanos from ledger_transfer where entry_id = $1 order by line', [id]);

async function run(from: string, to: string): Promise<void> {
  con.add({ container: app, from, to });
  await collectNow();
}

describe("an admin's click", () => {
  it('invoices what was used up to now, books it as the table says, and takes it from the balance', async () => {
    await db.transaction((tx) => grantTrial(tx, ledger, ann, 5_000_000_000n));
    for (let hour = 0; hour < 10; hour++) await run(at(`0${hour}:00`), at(`0${hour}:59`, 59));
    const number = await click(at('10:00'));
    const invoice = await owned(number);
    const exact = 10n * amountOf(3_599_000n, smallPrice);
    expect(invoice?.lines).toMatchObject([
      { lease: app, measure: 'run', quantity: 35_990_000n, nanos: exact, from: at('00:00'), to: at('09:59', 59) },
    ]);
    expect(invoice).toMatchObject({
      netNanos: 30_000_000n,
      roundingNanos: 30_000_000n - exact,
      vatNanos: 10_000_000n,
      grossNanos: 40_000_000n,
    });
    expect(await transfers(`invoice:${number}`)).toEqual([
      { debit: `customer:${ann}:receivable`, credit: `customer:${ann}:unbilled`, nanos: exact.toString() },
      { debit: `customer:${ann}:receivable`, credit: 'rounding', nanos: (30_000_000n - exact).toString() },
      { debit: `customer:${ann}:receivable`, credit: 'vat:DE:19', nanos: '10000000' },
    ]);
    expect(await transfers(`settle:${number}`)).toEqual([
      { debit: `customer:${ann}:balance`, credit: `customer:${ann}:receivable`, nanos: '40000000' },
    ]);
    expect([await balance('unbilled'), await balance('receivable')]).toEqual([0n, 0n]);
    expect(await balance('balance')).toBe(4_960_000_000n);
  });

  it('makes nothing where nothing is due, and nothing twice', async () => {
    expect(await click(at('10:00'))).toBeUndefined();
    await run(at('09:00'), at('09:30'));
    expect(await click(at('10:00'))).toMatch(/^2026-\d{6}$/);
    expect(await click(at('10:00'))).toBeUndefined();
    expect(await archive.list(ann)).toHaveLength(1);
  });

  it('by eight at once is one invoice', async () => {
    await run(at('09:00'), at('09:30'));
    const numbers = await Promise.all(Array.from({ length: 8 }, () => click(at('10:00'))));
    expect(numbers.filter((number) => number !== undefined)).toHaveLength(1);
  });

  it('in the middle of an hour leaves the rest of it to the next invoice, as a line with its own dates', async () => {
    await run(at('10:00'), at('10:20'));
    const first = await click(at('10:20'));
    await run(at('10:20'), at('11:00'));
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    await run(at('11:00'), at('11:10'));
    const second = await click(at('11:10'));
    expect((await owned(first))?.lines).toMatchObject([{ quantity: 1_200_000n, nanos: 1_000_000n, to: at('10:20') }]);
    expect((await owned(second))?.lines).toMatchObject([
      { quantity: 2_400_000n, nanos: 2_000_000n, from: at('10:20'), to: at('11:00') },
      { quantity: 600_000n, nanos: 500_000n, from: at('11:00'), to: at('11:10') },
    ]);
    expect((await owned(second))?.periodFrom).toBe((await owned(first))?.periodTo);
    expect(await db.query('select id from usage_entry where lease_id = $1 order by id', [app])).toEqual([
      { id: `usage:${app}:2026-11-10T10Z` },
      { id: `usage:${app}:2026-11-10T10Z:r2` },
      { id: `usage:${app}:2026-11-10T11Z` },
    ]);
  });

  it('leaves open what the balance does not hold, and the next top-up pays it', async () => {
    await db.transaction((tx) =>
      payments.topUp(tx, { customerId: ann, nanos: 10_000_000n, reference: `a-${made}`, by: 'adm' }),
    );
    for (let hour = 0; hour < 10; hour++) await run(at(`0${hour}:00`), at(`0${hour}:59`, 59));
    const number = await click(at('10:00'));
    expect([await balance('balance'), await balance('receivable')]).toEqual([0n, -30_000_000n]);
    expect((await costs.standing(db.manager, ann)).mayStart).toBe(false);
    await db.transaction((tx) =>
      payments.topUp(tx, { customerId: ann, nanos: 50_000_000n, reference: `b-${made}`, by: 'adm' }),
    );
    expect([await balance('balance'), await balance('receivable')]).toEqual([20_000_000n, 0n]);
    expect(await transfers(`settle:${number}:r2`)).toMatchObject([{ nanos: '30000000' }]);
    expect((await costs.standing(db.manager, ann)).mayStart).toBe(true);
  });

  it('clicked every hour forgives nothing: what rounds to no cent is carried on until it is one', async () => {
    const nets: bigint[] = [];
    for (let n = 0; n < 20; n += 1) {
      const hour = String(n).padStart(2, '0');
      await run(at(`${hour}:00`), at(`${hour}:59`, 59));
      const invoice = await owned(await click(at(`${hour}:59`, 59)));
      nets.push(invoice!.netNanos);
    }
    const [used]: { nanos: string }[] = await db.query(
      'select sum(nanos) as nanos from usage_entry where customer_id = $1',
      [ann],
    );
    const billed = nets.reduce((sum, net) => sum + net, 0n);
    expect(nets).toContain(0n);
    expect(billed - BigInt(used!.nanos)).toBeLessThanOrEqual(5_000_000n);
    expect(billed - BigInt(used!.nanos)).toBeGreaterThanOrEqual(-5_000_000n);
    expect(await balance('unbilled')).toBe(0n);
  }, 60_000);

  it('whose transaction is killed leaves no number, no posting and no gap', async () => {
    await run(at('09:00'), at('09:30'));
    const killed = db.transaction(async (tx) => {
      await invoicing.issueUpToNow(tx, ann, 'adm', { now: new Date(at('10:00')) });
      throw new Error('killed');
    });
    await expect(killed).rejects.toThrow('killed');
    expect(await archive.list(ann)).toEqual([]);
    expect(await db.query('select 1 from usage_entry where lease_id = $1', [app])).toEqual([]);
    await click(at('10:00'));
    const rows: { number: string }[] = await db.query('select number from invoice order by number');
    expect(rows.map(({ number }) => number)).toEqual(
      rows.map((_, index) => `2026-${String(index + 1).padStart(6, '0')}`),
    );
  });

  it('for many customers at once numbers them without a gap', async () => {
    const people = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const id = await books.customer(`crowd-${made}-${n}`);
        con.add({
          container: await books.lease(`crowd-app-${made}-${n}`, id, con.host),
          from: at('09:00'),
          to: at('09:30'),
        });
        return id;
      }),
    );
    await collectNow();
    const numbers = await Promise.all(
      people.map((id) => db.transaction((tx) => invoicing.issueUpToNow(tx, id, 'adm', { now: new Date(at('10:00')) }))),
    );
    expect(new Set(numbers).size).toBe(12);
    const [row]: { gaps: string }[] = await db.query(
      'select max(substring(number from 6)::int) - count(*) as gaps from invoice',
    );
    expect(row?.gaps).toBe('0');
  }, 60_000); // each is drawn while its number is held
});

describe('the month', () => {
  it('ends at midnight in the billing time zone, and is invoiced once', async () => {
    await run(at('22:30', 0, '2026-10-31'), at('23:00', 0, '2026-10-31')); // 23:30 to midnight in Berlin
    await run(at('23:00', 0, '2026-10-31'), at('23:30', 0, '2026-10-31')); // November in Berlin
    con.closeAt(at('00:00', 0, '2026-11-02'));
    await collectNow();
    await rateNow();
    const [number] = await monthly(at('06:00', 0, '2026-11-02'));
    const invoice = await owned(number);
    expect(invoice?.lines).toMatchObject([{ quantity: 1_800_000n, to: at('23:00', 0, '2026-10-31') }]);
    expect([invoice?.periodFrom, invoice?.periodTo]).toEqual(['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z']);
    expect(await monthly(at('06:00', 0, '2026-11-02'))).toEqual([]);
    const [next] = await monthly(at('06:00', 0, '2026-12-06'));
    expect((await owned(next))?.lines).toMatchObject([{ quantity: 1_800_000n, from: at('23:00', 0, '2026-10-31') }]);
  });

  it('waits for a silent host, five days at most; what it tells later is on the next one with its own dates', async () => {
    await run(at('10:00', 0, '2026-10-20'), at('11:00', 0, '2026-10-20'));
    con.closeAt(at('11:00', 0, '2026-10-20'));
    await collectNow();
    await rateNow();
    expect(await monthly(at('06:00', 0, '2026-11-02'))).toEqual([]);
    expect(await monthly(at('22:59', 0, '2026-11-05'))).toEqual([]);
    const [number] = await monthly(at('23:01', 0, '2026-11-05'));
    expect((await owned(number))?.lines).toMatchObject([{ quantity: 3_600_000n }]);
    await run(at('10:00', 0, '2026-10-25'), at('10:15', 0, '2026-10-25'));
    await run(at('10:00', 0, '2026-11-20'), at('10:30', 0, '2026-11-20'));
    con.closeAt(at('00:00', 0, '2026-12-01'));
    await collectNow();
    await rateNow();
    expect(await monthly(at('23:30', 0, '2026-11-05'))).toEqual([]);
    const [next] = await monthly(at('06:00', 0, '2026-12-01'));
    expect((await owned(next))?.lines).toMatchObject([
      { quantity: 900_000n, from: at('10:00', 0, '2026-10-25'), to: at('10:15', 0, '2026-10-25') },
      { quantity: 1_800_000n, from: at('10:00', 0, '2026-11-20') },
    ]);
  });

  it('waits longer where it was site that was away, for as long as the host goes on telling', async () => {
    await run(at('10:00', 0, '2026-10-20'), at('11:00', 0, '2026-10-20'));
    con.closeAt(at('11:00', 0, '2026-10-20'));
    await collectNow();
    await rateNow();
    const tells = (until: string) => async () => {
      con.closeAt(until);
      await collectNow();
    };
    const late = at('06:00', 0, '2026-11-20');
    await run(at('11:00', 0, '2026-10-20'), at('12:00', 0, '2026-10-20'));
    expect(await monthly(late, tells(at('12:00', 0, '2026-10-20')))).toEqual([]);
    await run(at('12:00', 0, '2026-10-20'), at('13:00', 0, '2026-10-20'));
    const [number] = await monthly(late, tells(late));
    const quantities = (await owned(number))?.lines.map(({ quantity }) => quantity);
    expect(quantities?.reduce((sum, one) => sum + one, 0n)).toBe(3n * 3_600_000n);
  });

  it('told late, after a click in the next month, is on an invoice whose period holds it', async () => {
    await run(at('20:00', 0, '2026-10-31'), at('20:10', 0, '2026-10-31'));
    await run(at('20:00', 0, '2026-11-02'), at('20:10', 0, '2026-11-02'));
    await collectNow();
    await click(at('00:00', 0, '2026-11-03'));
    await run(at('20:10', 0, '2026-10-31'), at('20:20', 0, '2026-10-31'));
    con.closeAt(at('00:00', 0, '2026-11-04'));
    await collectNow();
    await rateNow();
    const [late] = await monthly(at('00:00', 0, '2026-11-05'));
    const invoice = await owned(late);
    expect(invoice?.lines).toMatchObject([{ quantity: 600_000n, from: at('20:10', 0, '2026-10-31') }]);
    expect(Date.parse(invoice!.periodFrom)).toBeLessThanOrEqual(Date.parse(at('20:10', 0, '2026-10-31')));
    expect(Date.parse(invoice!.periodTo)).toBeGreaterThanOrEqual(Date.parse(at('20:20', 0, '2026-10-31')));
  });

  it('that the job does twice at once is done once', async () => {
    await run(at('10:00', 0, '2026-10-20'), at('11:00', 0, '2026-10-20'));
    con.closeAt(at('00:00', 0, '2026-11-02'));
    await collectNow();
    const both = await Promise.all([monthly(at('06:00', 0, '2026-11-02')), monthly(at('06:00', 0, '2026-11-02'))]);
    expect(both.flat()).toHaveLength(1);
  });
});

describe('an issued invoice', () => {
  const issued = async () => {
    await run(at('09:00'), at('09:30'));
    return (await click(at('10:00'))) ?? '';
  };

  it('cannot be changed or removed, not by site and not by the owner of the tables', async () => {
    await issued();
    for (const sql of [
      'update invoice set gross_nanos = 0, net_nanos = 0, vat_nanos = 0',
      'delete from invoice',
      'truncate invoice cascade',
    ]) {
      await expect(db.query(sql)).rejects.toMatchObject({ driverError: { code: '42501' } });
      await expect(books.owner.query(sql)).rejects.toThrow(/what is written there stays/);
    }
    await expect(db.query('update invoice_counter set last = last + 2')).rejects.toThrow(/stays/);
    await expect(db.query('update invoice_counter set last = last - 1')).rejects.toThrow(/stays/);
    await expect(db.query(`update usage_entry set invoice_number = null where lease_id = $1`, [app])).rejects.toThrow(
      /stays/,
    );
    await expect(db.query(`update usage_entry set nanos = 0 where lease_id = $1`, [app])).rejects.toMatchObject({
      driverError: { code: '42501' },
    });
  });

  it('reads nothing of today: its words and bytes outlive names, prices and sizes', async () => {
    const number = await issued();
    const before = [await owned(number), await archive.pdf(number)];
    await db.query(`update customer set name = 'Somebody Else', locale = 'de' where id = $1`, [ann]);
    await db.query(`update lease set name = 'renamed', version = '9' where id = $1`, [app]);
    expect([await owned(number), await archive.pdf(number)]).toEqual(before);
    const [row]: { sha256: Buffer; pdf: Buffer }[] = await db.query(
      'select sha256, pdf from invoice where number = $1',
      [number],
    );
    expect(row?.sha256).toEqual(
      createHash('sha256')
        .update(row?.pdf ?? '')
        .digest(),
    );
  });

  it('is found by its customer and by nobody else', async () => {
    const number = await issued();
    const bob = await books.customer(`bob-${made}`);
    expect(await archive.get(number, bob)).toBeUndefined();
    expect(await archive.pdf(number, bob)).toBeUndefined();
    expect(await archive.list(bob)).toEqual([]);
  });

  it('can be read out of its PDF', async () => {
    const number = await issued();
    const text = await textOf((await archive.pdf(number, ann)) ?? Buffer.alloc(0));
    for (const piece of [
      `Invoice ${number}`,
      'Hafen GmbH',
      `${ann} Example`,
      `${app}: time on`,
      '1,800',
      '€2.19',
      '€0.0015',
      '€0.00',
    ]) {
      expect(text).toContain(piece);
    }
  });
});

describe('taken together', () => {
  it('the run time on all invoices is the run time of all samples of those who were invoiced in full', async () => {
    for (let n = 0; n < 30; n++) await run(at(`1${n % 6}:00`, n * 37), at(`1${n % 6}:00`, n * 37 + 11));
    await click(at('12:00'));
    await rateNow();
    await click(at('20:00'));
    const [sum]: { ms: string }[] = await db.query('select sum(run_ms) as ms from usage_sample where lease_id = $1', [
      app,
    ]);
    const invoices = await Promise.all((await archive.list(ann)).map(({ number }) => owned(number)));
    const lines = invoices.flatMap((invoice) => invoice?.lines ?? []);
    expect(lines.reduce((ms, { quantity }) => ms + quantity, 0n)).toBe(BigInt(sum?.ms ?? -1));
  });

  it('debits are credits, account by account', async () => {
    const [row]: { sum: string }[] = await db.query(
      `select sum(nanos) as sum from (select debit, -nanos as nanos from ledger_transfer
         union all select credit, nanos from ledger_transfer) as ends`,
    );
    expect(row?.sum).toBe('0');
  });

  it('every invoice is booked with what it says', async () => {
    const wrong: unknown[] = await db.query(
      `select number from invoice where gross_nanos <> (
         select coalesce(sum(case when debit like '%:receivable' then nanos else -nanos end), 0)
           from ledger_transfer where entry_id = 'invoice:' || number)`,
    );
    expect(wrong).toEqual([]);
  });
});

describe('a top-up', () => {
  const topUp = (reference: string, nanos: bigint, customerId = ann) =>
    db.transaction((tx) => payments.topUp(tx, { customerId, nanos, reference, by: 'adm' }));

  it('is booked once for a reference; another amount or another customer under it is a conflict', async () => {
    const bob = await books.customer(`bob-${made}`);
    const reference = `statement ${made}/1`;
    await topUp(reference, 7n);
    await topUp(reference, 7n);
    await expect(topUp(reference, 8n)).rejects.toMatchObject({ code: 'conflict' });
    await expect(topUp(reference, 7n, bob)).rejects.toMatchObject({ code: 'conflict' });
    await expect(topUp(`statement ${made}/2`, 0n)).rejects.toMatchObject({ code: 'invalid' });
    await expect(topUp(`statement ${made}/2`, -7n)).rejects.toMatchObject({ code: 'invalid' });
    expect(await balance('balance')).toBe(7n);
  });
});
