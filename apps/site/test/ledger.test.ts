import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Account } from '../src/ledger/account.js';
import { customerAccount } from '../src/ledger/account.js';
import type { Entry } from '../src/ledger/entry.js';
import { Ledger } from '../src/ledger/ledger.js';
import { sealEntries } from '../src/ledger/seal.js';
import { grantTrial } from '../src/ledger/trial.js';
import { verifyLedger } from '../src/ledger/verify.js';
import { openBooks, type Books } from './books.js';

const ledger = new Ledger('EUR');
const always = new Date(0);
let books: Books;
let db: DataSource;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
  await ledger.open(db.manager);
});
afterAll(() => books.close());

function entry(id: string, nanos: bigint, part: Partial<Entry> = {}): Entry {
  const transfers = [{ debit: 'bank' as Account, credit: customerAccount('ann', 'balance'), nanos }];
  return { id, effectiveAt: new Date('2026-11-01T00:00:00Z'), by: 'system', why: 'a test', transfers, ...part };
}

const post = (one: Entry) => db.transaction((tx) => ledger.post(tx, one));

describe('posting', () => {
  it('an id twice is posting it once, whenever the second comes', async () => {
    expect(await post(entry('once', 5n))).toBe(true);
    expect(await post(entry('once', 5n, { effectiveAt: new Date(), by: 'ann', why: 'a retry' }))).toBe(false);
    expect(await db.query("select posted_by, why from ledger_entry where id = 'once'")).toEqual([
      { posted_by: 'system', why: 'a test' },
    ]);
  });

  it('other money under an id that is taken is a conflict, and changes nothing', async () => {
    await post(entry('taken', 5n));
    await expect(post(entry('taken', 6n))).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      post(
        entry('taken', 5n, { transfers: [{ debit: 'bank', credit: customerAccount('bob', 'balance'), nanos: 5n }] }),
      ),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(await db.query("select nanos from ledger_transfer where entry_id = 'taken'")).toEqual([{ nanos: '5' }]);
  });

  it('twenty at once under one id is still once', async () => {
    const news = await Promise.all(Array.from({ length: 20 }, () => post(entry('race', 7n))));
    expect(news.filter(Boolean)).toHaveLength(1);
    expect(await db.query("select count(*) from ledger_transfer where entry_id = 'race'")).toEqual([{ count: '1' }]);
  });

  it('leaves nothing behind when the transaction around it fails', async () => {
    const attempt = db.transaction(async (tx) => {
      await ledger.post(tx, entry('rolled-back', 5n));
      throw new Error('killed');
    });
    await expect(attempt).rejects.toThrow('killed');
    expect(await db.query("select id from ledger_entry where id = 'rolled-back'")).toEqual([]);
  });

  it.each([
    ['nothing', []],
    ['zero', [{ debit: 'bank', credit: 'fees', nanos: 0n }]],
    ['less than nothing', [{ debit: 'bank', credit: 'fees', nanos: -1n }]],
    ['from an account to itself', [{ debit: 'bank', credit: 'bank', nanos: 1n }]],
  ] as const)('refuses to move %s', async (_, transfers) => {
    await expect(post(entry('empty', 1n, { transfers }))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('keeps amounts far beyond 2^53 to the last nano', async () => {
    const huge = 10n ** 37n + 1n;
    const account = customerAccount('huge', 'balance');
    await post(entry('huge', 1n, { transfers: [{ debit: 'bank', credit: account, nanos: huge }] }));
    expect(await ledger.balance(db.manager, account)).toBe(huge);
  });

  it('cannot make a customer id read as another account', () => {
    expect(() => customerAccount('ann:balance', 'unbilled')).toThrow(/no customer's id/);
  });
});

describe('a balance', () => {
  const account = customerAccount('cara', 'balance');
  const gift = (id: string, nanos: bigint, day: number): Entry =>
    entry(id, nanos, {
      effectiveAt: new Date(Date.UTC(2026, 9, day)),
      transfers: [{ debit: 'trial', credit: account, nanos }],
    });

  it('can be looked at by when things happened and by when they were known', async () => {
    await post(gift('cara-2', 200n, 2));
    const [row]: { at: Date }[] = await db.query('select clock_timestamp() as at');
    await post(gift('cara-1', 10n, 1)); // known later, happened earlier
    const recorded = row?.at ?? always;
    expect(await ledger.balance(db.manager, account)).toBe(210n);
    expect(await ledger.balance(db.manager, account, { effective: new Date(Date.UTC(2026, 9, 1)) })).toBe(10n);
    expect(await ledger.balance(db.manager, account, { recorded })).toBe(200n);
    expect(await ledger.balance(db.manager, account, { recorded, effective: new Date(Date.UTC(2026, 9, 1)) })).toBe(0n);
  });

  it('is back where it was after a reversal, which names what it reverses and happens once', async () => {
    await post(gift('mistake', 99n, 3));
    const undo = (id: string) =>
      db.transaction((tx) => ledger.reverse(tx, 'mistake', { id, effectiveAt: new Date(), by: 'adm', why: 'a slip' }));
    expect(await undo('undo')).toBe(true);
    expect(await undo('undo')).toBe(false);
    await expect(undo('undo-again')).rejects.toThrow(/ledger_entry_reverses_key/);
    expect(await ledger.balance(db.manager, account)).toBe(210n);
    expect(await db.query("select reverses from ledger_entry where id = 'undo'")).toEqual([{ reverses: 'mistake' }]);
  });

  it('has the trial credit once in a life', async () => {
    for (let n = 0; n < 3; n++) await db.transaction((tx) => grantTrial(tx, ledger, 'newcomer', 5_000_000_000n));
    expect(await ledger.balance(db.manager, customerAccount('newcomer', 'balance'))).toBe(5_000_000_000n);
  });
});

describe('the database, to whoever goes round the code', () => {
  const insertEntry = (id: string, currency = 'EUR') =>
    `insert into ledger_entry (id, effective_at, posted_by, why, currency, body)
     values ('${id}', now(), 'x', 'x', '${currency}', sha256('x'))`;
  const insertTransfer = (id: string, values = "0, 'EUR', 'bank', 'fees', 1") =>
    `insert into ledger_transfer (entry_id, line, currency, debit, credit, nanos) values ('${id}', ${values})`;

  beforeAll(() => post(entry('target', 5n)));

  it.each([
    ['changes an amount', 'update ledger_transfer set nanos = 1'],
    ['changes an entry', "update ledger_entry set why = 'x'"],
    ['removes a transfer', 'delete from ledger_transfer'],
    ['removes an entry', 'delete from ledger_entry'],
    ['empties the books', 'truncate ledger_entry, ledger_transfer cascade'],
    ['changes a seal', "update ledger_seal set root = sha256('x')"],
    ['switches a guard off', 'alter table ledger_transfer disable trigger all'],
    ['drops a guard', 'drop trigger ledger_transfer_in_time on ledger_transfer'],
    [
      'replaces a guard',
      'create or replace function refuse_change() returns trigger language sql as $$ select null $$',
    ],
    ['drops a table', 'drop table ledger_transfer'],
    ['adds a column', 'alter table ledger_entry add column x int'],
    ['acts as a replica', "set session_replication_role = 'replica'"],
    ['becomes the owner', 'set role berth'],
    ['says when it was recorded', `insert into ledger_entry (id, recorded_at) values ('x', '2020-01-01')`],
    ['says in which transaction', `insert into ledger_entry (id, recorded_in) values ('x', '3')`],
    ['says which number', `insert into ledger_entry (id, number) overriding system value values ('x', 3)`],
  ])('refuses that the app %s', async (_, sql) => {
    await expect(db.query(sql)).rejects.toMatchObject({ driverError: { code: '42501' } });
  });

  it('refuses a transfer for an entry of another transaction', async () => {
    await expect(db.query(insertTransfer('target', "7, 'EUR', 'bank', 'fees', 1"))).rejects.toThrow(/entry is closed/);
  });

  it('refuses an entry that moves nothing, at the latest when it is committed', async () => {
    await expect(db.query(insertEntry('hollow'))).rejects.toThrow(/it moves nothing/);
    expect(await db.query("select id from ledger_entry where id = 'hollow'")).toEqual([]);
  });

  it.each([
    ['both ends are the same', "0, 'EUR', 'bank', 'bank', 1"],
    ['nothing moves', "0, 'EUR', 'bank', 'fees', 0"],
    ['less than nothing moves', "0, 'EUR', 'bank', 'fees', -1"],
    ['the currency is another', "0, 'USD', 'bank', 'fees', 1"],
    ['the account is not in the chart', "0, 'EUR', 'bank', 'mine', 1"],
  ])('refuses a transfer where %s', async (_, values) => {
    const attempt = db.transaction(async (tx) => {
      await tx.query(insertEntry('odd'));
      await tx.query(insertTransfer('odd', values));
    });
    await expect(attempt).rejects.toMatchObject({ driverError: { code: /^(23514|23503)$/ } });
  });

  it('refuses an entry in another currency, and a second currency for the books', async () => {
    await expect(db.query(insertEntry('dollars', 'USD'))).rejects.toMatchObject({ driverError: { code: '23503' } });
    await expect(db.query("insert into ledger_book (currency) values ('USD')")).rejects.toMatchObject({
      driverError: { code: '23505' },
    });
    await expect(new Ledger('USD').open(db.manager)).rejects.toMatchObject({ code: 'conflict' });
  });

  it.each(['update ledger_transfer set nanos = 1', 'delete from ledger_entry', 'truncate ledger_entry cascade'])(
    'refuses even its owner: %s',
    async (sql) => {
      await expect(books.owner.query(sql)).rejects.toThrow(/what is written there stays/);
    },
  );
});

/** What only somebody with the owner's password can do. */
async function withoutGuards(runner: QueryRunner): Promise<void> {
  for (const table of ['ledger_entry', 'ledger_transfer', 'ledger_seal', 'ledger_sealed'])
    await runner.query(`alter table ${table} disable trigger user`);
}

describe('seals', () => {
  const seal = () => db.transaction((tx) => sealEntries(tx, always));

  beforeEach(async () => {
    while ((await seal()) > 0);
  });

  it('cover every entry once, and nothing twice', async () => {
    await post(entry('to-seal', 1n));
    expect(await seal()).toBe(1);
    expect(await seal()).toBe(0);
    const { entries, alarms } = await verifyLedger(db.manager);
    const [row]: { count: string }[] = await db.query('select count(*) from ledger_entry');
    expect({ entries, alarms }).toEqual({ entries: Number(row?.count), alarms: [] });
  });

  it('reach an entry whose transaction took long', async () => {
    const slow = db.createQueryRunner();
    await slow.startTransaction();
    await ledger.post(slow.manager, entry('slow', 1n));
    await post(entry('quick', 1n));
    expect(await seal()).toBe(1);
    await slow.commitTransaction();
    await slow.release();
    expect(await seal()).toBe(1);
    expect((await verifyLedger(db.manager)).alarms).toEqual([]);
  });

  it('made by five at once are a chain without a fork', async () => {
    for (let n = 0; n < 5; n++) await post(entry(`many-${n}`, 1n));
    await Promise.all(Array.from({ length: 5 }, seal));
    expect((await verifyLedger(db.manager)).alarms).toEqual([]);
  });

  it.each([
    [
      'an amount was changed',
      "update ledger_transfer set nanos = nanos + 1 where entry_id = 'once'",
      /entry once does not fit/,
    ],
    [
      'a reason was changed',
      "update ledger_entry set why = 'x' where id = 'once'",
      /seal \d+ does not fit its entries/,
    ],
    ['an entry was removed', "delete from ledger_sealed where entry_id = 'once'", /seal \d+ covers/],
    [
      'a seal was removed',
      'delete from ledger_sealed where seal = 1; delete from ledger_seal where number = 1',
      /a seal is missing/,
    ],
  ])('tell that %s', async (_, sql, alarm) => {
    const runner = books.owner.createQueryRunner();
    await runner.startTransaction();
    try {
      await withoutGuards(runner);
      await runner.query(sql);
      expect((await verifyLedger(runner.manager)).alarms.join('\n')).toMatch(alarm);
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  });

  it('tell that an entry waits for its seal for more than ten seconds', async () => {
    const runner = books.owner.createQueryRunner();
    await runner.startTransaction();
    try {
      await withoutGuards(runner);
      await ledger.post(runner.manager, entry('forgotten', 1n));
      await runner.query("update ledger_entry set recorded_at = now() - interval '11 seconds' where id = 'forgotten'");
      expect((await verifyLedger(runner.manager)).alarms).toEqual(['entry forgotten is not sealed']);
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  });
});
