import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { crossCheck } from '../src/invoices/cross-check.js';
import { Invoicing } from '../src/invoices/invoicing.js';
import { customerAccount } from '../src/ledger/account.js';
import { Ledger } from '../src/ledger/ledger.js';
import { auditEvents, seal, sealEntries } from '../src/ledger/seal.js';
import { verifyLedger } from '../src/ledger/verify.js';
import { collect } from '../src/metering/collector.js';
import { TariffBook } from '../src/metering/tariffs.js';
import { Payments } from '../src/payments/payments.js';
import { demoTariff, Tariff } from '../src/pricing/tariff.js';
import { germanVat } from '../src/pricing/vat.js';
import { openBooks, type Books } from './books.js';
import { at, ConJournal } from './con-journal.js';

jest.setTimeout(60_000); // a database and PDFs on a busy machine

const ledger = new Ledger('EUR');
const tariffs = new TariffBook(
  Tariff.parse({ ...demoTariff, id: 'dear', sizes: [{ ...demoTariff.sizes[0]!, run: '2190' }] }),
);
const seller = { name: 'Host', street: 'Kai 1', postcode: '20457', city: 'Hamburg', country: 'DE' };
const payments = new Payments(ledger);
const terms = { seller, vat: germanVat, timeZone: 'Europe/Berlin' };
const invoicing = new Invoicing({ ledger, tariffs, payments }, terms);

let books: Books;
let db: DataSource;
let client: pg.Client;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
  await ledger.open(db.manager);
  await tariffs.open(db.manager);
  const transfers = [{ debit: 'bank' as const, credit: customerAccount('eve', 'balance'), nanos: 5n }];
  await db.transaction((tx) =>
    ledger.post(tx, { id: 'sealed', effectiveAt: new Date(), by: 'x', why: 'x', transfers }),
  );
  await db.transaction((tx) => sealEntries(tx, new Date(0)));
});
afterAll(() => books.close());

/** One statement after another as one role, in a transaction of its own; answers what was refused. */
async function refused(url: string, ...statements: string[]): Promise<string | undefined> {
  client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of ['begin', ...statements, 'commit']) await client.query(statement);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end();
  }
}
const bySite = (...statements: string[]) => refused(books.database.url, ...statements);
const byOwner = (...statements: string[]) => refused(books.database.ownerUrl, ...statements);

const entry = (id: string, when = 'now()') =>
  `insert into public.ledger_entry (id, effective_at, posted_by, why, currency, body) values ('${id}', ${when}, 'x', 'x', 'EUR', sha256('x'))`;
const transfer = (id: string, nanos = '1000000000000', line = 0) =>
  `insert into public.ledger_transfer (entry_id, line, currency, debit, credit, nanos) values ('${id}', ${line}, 'EUR', 'bank', 'customer:eve:balance', ${nanos})`;

describe('the guards of the books', () => {
  it('let no temporary table stand in for one they look into', async () => {
    const shadowEntry = [
      'create temp table ledger_entry (id text, recorded_in xid8)',
      `insert into pg_temp.ledger_entry values ('sealed', pg_current_xact_id())`,
    ];
    const shadowTransfer = [
      'create temp table ledger_transfer (entry_id text)',
      `insert into pg_temp.ledger_transfer values ('hollow')`,
    ];
    for (const as of [bySite, byOwner]) {
      expect(await as(...shadowEntry, transfer('sealed', '1000000000000', 7))).toMatch(
        /that entry is closed|permission denied/,
      );
      expect(await as(...shadowTransfer, entry('hollow'))).toMatch(/it moves nothing|permission denied/);
    }
    expect(await ledger.balance(db.manager, customerAccount('eve', 'balance'))).toBe(5n);
  });

  it('take no amount that is no number, and no moment that never comes', async () => {
    expect(await bySite(entry('nan'), transfer('nan', `'NaN'`))).toMatch(/is_a_number/);
    expect(await bySite(entry('never', `'infinity'`), transfer('never'))).toMatch(/isfinite|effective_at/);
    expect(await bySite(entry('fine'), transfer('fine', '1'))).toBeUndefined();
  });

  it('count invoices one by one, each number with its invoice', async () => {
    await books.customer('ann');
    const invoice = (number: string) =>
      `insert into invoice (number, customer_id, issued_at, period_from, period_to, currency, net_nanos, rounding_nanos, vat_nanos, gross_nanos, document, pdf, sha256)
       values ('${number}', 'ann', now(), now(), now(), 'EUR', 0, 0, 0, 0, '{}', 'x', sha256('x'))`;
    expect(await bySite('insert into invoice_counter values (2031, 500)')).toMatch(/stays/);
    expect(await bySite('insert into invoice_counter values (2031, 1)')).toMatch(/there is no such invoice/);
    expect(await bySite(invoice('2031-000001'))).toMatch(/was not counted/);
    expect(await bySite('insert into invoice_counter values (2031, 1)', invoice('2031-000002'))).toBeDefined();
    expect(await byOwner('truncate invoice_counter')).toMatch(/stays/);
  });

  it('close what was posted with its transaction, and keep it off invoices that were issued before', async () => {
    const posting = (id: string, columns = '', values = '') =>
      `insert into usage_entry (id, lease_id, hour, revision, customer_id, from_at, to_at, nanos${columns})
       values ('${id}', '${id}', now(), 1, 'cleo', now(), now(), 0${values})`;
    const line = (id: string) => `insert into usage_line values ('${id}', 'x', 'run', 1, 1, 1, -1000)`;
    await books.customer('cleo');
    expect(await bySite(posting('open'))).toBeUndefined();
    expect(await bySite(line('open'))).toMatch(/that posting is closed/);
    expect(await byOwner(posting('born', ', invoice_number', `, '2031-000001'`))).toMatch(/stays/);
    expect(await bySite(posting('forged', ', recorded_in', `, '1'::xid8`))).toMatch(/permission denied/);

    const number = await db.transaction((tx) => invoicing.issueUpToNow(tx, 'cleo', 'admin'));
    expect(number).toBeDefined();
    expect(await bySite(posting('late'))).toBeUndefined();
    expect(await bySite(`update usage_entry set invoice_number = '${number}' where id = 'late'`)).toMatch(
      /was issued before/,
    );
  });

  it('take a seal only in its turn and whole', async () => {
    const sealOf = (number: string, entries = 1) =>
      `insert into ledger_seal (number, entries, root) values (${number}, ${entries}, sha256('x'))`;
    const next = '(select max(number) + 1 from ledger_seal)';
    expect(await bySite(sealOf('999'))).toMatch(/does not follow the last one/);
    expect(await bySite(sealOf(next))).toMatch(/does not cover what it says/);
    expect(await bySite(`insert into ledger_sealed select 'fine', 1, 2`)).toMatch(/it is whole/);
  });

  it('keep the audit log as it was written, from its owner too', async () => {
    await db.query(
      `insert into audit_event (actor, act, target, outcome, request_id, address) values ('a', 'b', 'c', 'done', 'r', '::1')`,
    );
    for (const change of [
      `update audit_event set actor = 'x'`,
      'delete from audit_event',
      'truncate audit_event cascade',
    ])
      expect(await byOwner(change)).toMatch(/what is written there stays/);
  });
});

describe('the audit log', () => {
  const sealEvents = () => db.transaction((tx) => seal(tx, auditEvents, new Date(0)));

  it('is sealed as the books are, and a change, a loss or a missing seal is told', async () => {
    const event = (target: string) =>
      db.query(
        `insert into audit_event (actor, act, target, outcome, request_id, address) values ('a', 'b', $1, 'done', 'r', '::1')`,
        [target],
      );
    for (const target of ['one', 'two']) await event(target);
    expect(await sealEvents()).toBeGreaterThanOrEqual(2);
    await event('three');
    expect(await sealEvents()).toBe(1);
    expect(await sealEvents()).toBe(0);
    const alarms = async (...changes: string[]) => (await after(...changes)).filter((alarm) => alarm.includes('audit'));
    expect(await alarms()).toEqual([]);
    expect((await alarms(`update audit_event set actor = 'x' where target = 'two'`)).join()).toMatch(
      /seal 1 of audit events does not fit/,
    );
    expect((await alarms(`delete from audit_sealed where seal = 2`)).join()).toMatch(
      /covers 1 entries, and 0 are there/,
    );
    expect(
      (await alarms('delete from audit_sealed where seal = 1', 'delete from audit_seal where number = 1')).join(),
    ).toMatch(/a seal of audit events is missing/);
    const old = `insert into audit_event (at, actor, act, target, outcome, request_id, address)
      values (now() - interval '11 seconds', 'a', 'b', 'late', 'done', 'r', '::1')`;
    expect((await alarms(old)).join()).toMatch(/audit event \d+ is not sealed/);
    expect(await bySite(`delete from audit_seal`)).toBeDefined();
  });
});

/** What the owner of a database can do to it, seen by whoever verifies. */
async function after(...changes: string[]): Promise<string[]> {
  const owner = new pg.Client({ connectionString: books.database.ownerUrl });
  await owner.connect();
  try {
    await owner.query('begin');
    const tables =
      'ledger_entry ledger_transfer ledger_seal ledger_sealed invoice usage_entry audit_event audit_seal audit_sealed';
    for (const table of tables.split(' ')) await owner.query(`alter table ${table} disable trigger user`);
    for (const change of changes) await owner.query(change);
    const query = async (sql: string, values?: unknown[]) => (await owner.query(sql, values)).rows;
    const seen = { query } as unknown as DataSource['manager'];
    return [...(await verifyLedger(seen)).alarms, ...(await crossCheck(seen))];
  } finally {
    await owner.query('rollback');
    await owner.end();
  }
}

describe('verifying the books against what they were made for', () => {
  let number: string | undefined;
  let made = 0;

  beforeEach(async () => {
    made += 1;
    const bob = await books.customer(`bob-${made}`);
    const con = new ConJournal(`verify-${made}`);
    con.instance = `verify-${made}`;
    const app = await books.lease(`verify-${made}`, bob, con.host);
    con.add({ container: app, from: at('10:00'), to: at('11:00'), tariffTag: 'dear:small' });
    con.closeAt(at('12:00'));
    await collect(db, con.journal);
    number = await db.transaction((tx) => invoicing.issueUpToNow(tx, bob, 'admin', { now: new Date(at('13:00')) }));
    await db.transaction((tx) => sealEntries(tx, new Date(0)));
  });

  it('finds nothing where nothing is wrong', async () => {
    expect(number).toMatch(/^\d{4}-\d{6}$/);
    expect((await after()).filter((alarm) => !alarm.includes('fine'))).toEqual([]);
  });

  it('misses the newest entries, cut off together with their seal', async () => {
    const last = '(select max(number) from ledger_seal)';
    const alarms = await after(
      `create temp table cut as select entry_id from ledger_sealed where seal = ${last}`,
      'delete from ledger_sealed where entry_id in (select entry_id from cut)',
      'delete from ledger_transfer where entry_id in (select entry_id from cut)',
      'delete from ledger_entry where id in (select entry_id from cut)',
      `delete from ledger_seal where number = ${last}`,
    );
    expect(alarms).toContain(`invoice ${number} is not in the books`);
    expect(alarms.join('\n')).toMatch(/use usage:verify-\d+:\S+ is not in the books/);
  });

  it('misses books that were emptied', async () => {
    const tables = ['ledger_sealed', 'ledger_seal', 'ledger_transfer', 'ledger_entry'];
    expect((await after(...tables.map((table) => `delete from ${table}`))).join('\n')).toContain('is not in the books');
  });

  it('sees a document that was replaced together with its hash, and figures or a person that are not on it', async () => {
    const of = `where number = '${number}'`;
    const replaced = `invoice ${number} is not the document that was booked`;
    expect(await after(`update invoice set pdf = 'x', sha256 = sha256('x') ${of}`)).toContain(replaced);
    expect(await after(`update invoice set document = document || ' ' ${of}`)).toContain(replaced);
    const shifted = 'net_nanos = net_nanos - 10000000, vat_nanos = vat_nanos + 10000000';
    const other = `invoice ${number} has other figures than its document`;
    expect(await after(`update invoice set ${shifted} ${of}`)).toContain(other);
    expect(await after(`update invoice set customer_id = 'ann' ${of}`)).toContain(other);
    const taken = `update usage_entry set invoice_number = null where invoice_number = '${number}'`;
    expect((await after(taken)).join('\n')).toContain(`invoice ${number} says another sum than the use on it`);
  });

  it('sees an invoice of another amount, one that was removed, and one that was changed', async () => {
    const of = `where number = '${number}'`;
    expect(await after(`update invoice set net_nanos = net_nanos + 1, gross_nanos = gross_nanos + 1 ${of}`)).toContain(
      `invoice ${number} is in the books with another amount`,
    );
    const removed = await after(
      `update usage_entry set invoice_number = null where invoice_number = '${number}'`,
      `delete from invoice ${of}`,
    );
    expect(removed).toContain(`entry invoice:${number} is for an invoice that is not there`);
    expect(removed.join('\n')).toMatch(/invoices were counted, and \d+ are there/);
  });
});
