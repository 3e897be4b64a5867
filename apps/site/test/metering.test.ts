import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Sample } from '@berth/con-protocol';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { customerAccount } from '../src/ledger/account.js';
import { Ledger } from '../src/ledger/ledger.js';
import { collect } from '../src/metering/collector.js';
import { Costs } from '../src/metering/costs.js';
import { rateClosedHours } from '../src/metering/rating.js';
import { insertSamples } from '../src/metering/samples.js';
import { TariffBook } from '../src/metering/tariffs.js';
import { demoTariff, Tariff } from '../src/pricing/tariff.js';
import { at, ConJournal } from './con-journal.js';
import { openBooks, type Books } from './books.js';

jest.setTimeout(60_000); // databases and PDFs on a busy machine

const everyMeasure = { cpu: '0.01', memory: '0.002', disk: '0.0001', traffic: '0.05' };
const ledger = new Ledger('EUR');
const tariffs = new TariffBook(Tariff.parse(demoTariff));
const vat = { mode: 'small-business' } as const;
const costs = new Costs({ tariffs, vat, timeZone: 'Europe/Berlin' });

let books: Books;
let db: DataSource;
let con: ConJournal;
let made = 0;
let ann: string;
let app: string;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
  await new TariffBook(Tariff.parse({ ...demoTariff, ...everyMeasure, id: 'full' })).open(db.manager);
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

const collectNow = () => collect(db, con.journal);
const rateNow = () => rateClosedHours(db, { ledger, tariffs });
const unbilledInBooks = async () => -(await ledger.balance(db.manager, customerAccount(ann, 'unbilled')));
const shownUnbilled = async () => (await costs.unbilled(db.manager, [ann])).get(ann);
const entries = (lease = app): Promise<{ id: string; nanos: string }[]> =>
  db.query('select id, nanos from usage_entry where lease_id = $1 order by hour, revision', [lease]);

describe('collecting', () => {
  it('fetches page after page and remembers where it was', async () => {
    for (let n = 0; n < 5_003; n++)
      con.add({ container: app, from: at('10:00', n % 3_600), to: at('10:00', n % 3_600), runMs: 1n });
    await collectNow();
    expect(con.asked.map(({ after }) => after)).toEqual([0n, 4_999n]); // the last that is known is looked at again
    await collectNow();
    expect(con.asked.at(-1)?.after).toBe(5_002n);
    expect(await db.query('select run_ms from usage_sum where lease_id = $1', [app])).toEqual([{ run_ms: '5003' }]);
  });

  it('begins anew with another instance, and adds what only that one knows', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    await collectNow();
    con.instance = `${con.instance}-restored`;
    con.samples.length = 0;
    con.add({ container: app, from: at('10:00', 20), to: at('10:00', 25) });
    await collectNow();
    expect(await db.query('select run_ms from usage_sum where lease_id = $1', [app])).toEqual([{ run_ms: '15000' }]);
  });

  it('by ten at once is collecting once', async () => {
    for (let n = 0; n < 50; n++) con.add({ container: app, from: at('10:00', n), to: at('10:00', n + 1) });
    await Promise.all(Array.from({ length: 10 }, collectNow));
    expect(await db.query('select run_ms from usage_sum where lease_id = $1', [app])).toEqual([{ run_ms: '50000' }]);
  });

  it('that was slow does not take the cursor back to where it began', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    let isFirst = true;
    const read: ConJournal['journal']['read'] = async (params) => {
      const old = await con.journal.read(params);
      if (!isFirst) return old;
      isFirst = false;
      con.add({ container: app, from: at('10:00', 10), to: at('10:00', 20) });
      con.closeAt(at('11:00'));
      await collectNow(); // another process, meanwhile
      return old;
    };
    await collect(db, { host: con.host, read });
    const [cursor]: { after: string; complete_until: Date }[] = await db.query(
      'select after, complete_until from usage_cursor where host = $1',
      [con.host],
    );
    expect(cursor).toEqual({ after: '2', complete_until: new Date(at('11:00')) });
  });

  it('bills nobody for a container that nobody holds, and keeps what was measured', async () => {
    con.add({ container: `stranger-${made}`, from: at('10:00'), to: at('10:00', 10) });
    await collectNow();
    expect(await db.query('select 1 from usage_sum where host = $1', [con.host])).toEqual([]);
    expect(await db.query('select count(*) from usage_sample where instance = $1', [con.instance])).toEqual([
      { count: '1' },
    ]);
  });

  it('refuses a page whose cursor would skip a sample', async () => {
    const sample = con.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    const read = async () => ({ ...(await con.journal.read({})), samples: [sample], next: 0n });
    await expect(collect(db, { host: con.host, read })).rejects.toThrow(/does not cover/);
  });

  it('flags a clock that differs and changes no amount', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    const read = async () => ({
      ...(await con.journal.read({})),
      observedAt: new Date(Date.now() + 60_000).toISOString(),
    });
    const { skewMs } = await collect(db, { host: con.host, read });
    expect(skewMs).toBeGreaterThan(50_000);
    expect(await shownUnbilled()).toBe(8_333n);
  });
});

describe('rating', () => {
  it('posts an hour once its host has told all of it, and not before', async () => {
    con.add({ container: app, from: at('10:00'), to: at('11:00') });
    await collectNow();
    await rateNow();
    expect(await entries()).toEqual([]);
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    await rateNow();
    expect(await entries()).toEqual([{ id: `usage:${app}:2026-11-10T10Z`, nanos: '3000000' }]);
    expect(await unbilledInBooks()).toBe(3_000_000n);
  });

  it('posts what comes late as a correction with the difference, and touches nothing that was posted', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:30') });
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    con.add({ container: app, from: at('10:30'), to: at('11:00') });
    await collectNow();
    await rateNow();
    con.add({ container: app, from: at('10:20'), to: at('10:20', 1) });
    await collectNow();
    await rateNow();
    expect(await entries()).toEqual([
      { id: `usage:${app}:2026-11-10T10Z`, nanos: '1500000' },
      { id: `usage:${app}:2026-11-10T10Z:r2`, nanos: '1500000' },
      { id: `usage:${app}:2026-11-10T10Z:r3`, nanos: '833' },
    ]);
  });

  it('keeps a size that was changed within the hour apart', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:30') });
    con.add({ container: app, from: at('10:30'), to: at('11:00'), tariffTag: 'demo:large' });
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    expect(await entries()).toEqual([{ id: `usage:${app}:2026-11-10T10Z`, nanos: '7500000' }]);
    expect(
      await db.query('select tariff_tag, nanos from usage_line where entry_id like $1 order by nanos', [
        `usage:${app}:%`,
      ]),
    ).toEqual([
      { tariff_tag: 'demo:small', nanos: '1500000' },
      { tariff_tag: 'demo:large', nanos: '6000000' },
    ]);
  });

  it('books every measure that has a price, beyond what a float holds', async () => {
    const GiBHour = 1024n ** 3n * 3_600n;
    con.add({
      container: app,
      tariffTag: 'full:small',
      from: at('10:00'),
      to: at('11:00'),
      cpuNanos: 3_600_000_000_000n,
      memoryByteSeconds: GiBHour,
      diskByteSeconds: (2n ** 60n + 1n) * GiBHour,
      bytesIn: 1024n ** 3n,
      bytesOut: 1024n ** 3n,
    });
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    const expected = 3_000_000n + 10_000_000n + 2_000_000n + (2n ** 60n + 1n) * 100_000n + 100_000_000n;
    expect(await entries()).toEqual([{ id: `usage:${app}:2026-11-10T10Z`, nanos: expected.toString() }]);
    expect(await unbilledInBooks()).toBe(expected);
  });

  it('leaves use under a tag that nobody offered open, and posts the rest', async () => {
    const odd = await books.lease(`odd-${made}`, ann, con.host);
    con.add({ container: odd, from: at('10:00'), to: at('11:00'), tariffTag: 'nobody:knows' });
    con.add({ container: app, from: at('10:00'), to: at('11:00') });
    con.closeAt(at('11:00'));
    await collectNow();
    expect(await rateNow()).toBe(1);
    expect(await entries()).toHaveLength(1);
    expect(await shownUnbilled()).toBe(3_000_000n);
    await db.query('update usage_sum set dirty = false where lease_id = $1', [odd]);
  });

  it('says nothing of an hour in which nothing ran', async () => {
    con.add({ container: app, from: at('10:00'), to: at('11:00'), state: 'stopped', runMs: 0n });
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    expect(await entries()).toEqual([]);
  });
});

describe('cost now', () => {
  it('is the same before and after posting, because it is the same function', async () => {
    con.add({ container: app, from: at('10:00'), to: at('10:07', 13) });
    await collectNow();
    const before = await shownUnbilled();
    con.closeAt(at('11:00'));
    await collectNow();
    await rateNow();
    expect(await shownUnbilled()).toBe(before);
    expect(await unbilledInBooks()).toBe(before);
    con.add({ container: app, from: at('10:08'), to: at('10:09') }); // late: partly posted, partly not
    await collectNow();
    expect(await shownUnbilled()).toBe((before ?? 0n) + 50_000n);
  });

  it('counts today from midnight in the billing time zone, by lease', async () => {
    const other = await books.lease(`other-${made}`, ann, con.host);
    con.add({ container: app, from: at('22:30', 0, '2026-11-09'), to: at('23:00', 0, '2026-11-09') }); // still the 9th in Berlin
    con.add({ container: app, from: at('23:00', 0, '2026-11-09'), to: at('23:30', 0, '2026-11-09') }); // the 10th
    con.closeAt(at('00:00'));
    await collectNow();
    await rateNow();
    con.add({ container: app, from: at('10:00'), to: at('10:10') });
    await collectNow();
    const now = new Date(at('10:10'));
    expect(await costs.costToday(db.manager, [app, other], now)).toEqual(
      new Map([
        [app, 2_000_000n],
        [other, 0n],
      ]),
    );
  });

  it('adds VAT for a consumer', async () => {
    con.add({ container: app, from: at('10:00'), to: at('11:00') });
    await collectNow();
    const withVat = new Costs({
      tariffs,
      vat: { mode: 'rate', country: 'DE', percent: 19 },
      timeZone: 'Europe/Berlin',
    });
    expect((await withVat.unbilled(db.manager, [ann])).get(ann)).toBe(3_570_000n);
    expect(withVat.hourNanos('demo:small')).toBe(3_570_000n);
    expect(withVat.hourNanos('nobody:knows')).toBe(0n);
  });

  it('takes one statement, however many leases are asked for', async () => {
    const leases = [app];
    for (let n = 0; n < 20; n++) leases.push(await books.lease(`many-${made}-${n}`, ann, con.host));
    for (const container of leases) con.add({ container, from: at('10:00'), to: at('10:10') });
    await collectNow();
    let statements = 0;
    const counting = { query: (text: string, values: unknown[]) => ((statements += 1), db.query(text, values)) };
    await costs.costToday(counting as unknown as DataSource['manager'], leases, new Date(at('10:10')));
    expect(statements).toBe(1);
  });
});

describe('whatever happens on the way', () => {
  const arbitrarySample = fc.record({
    hour: fc.integer({ min: 0, max: 3 }),
    second: fc.integer({ min: 0, max: 3_590 }),
    seconds: fc.integer({ min: 0, max: 9 }),
    tag: fc.constantFrom('demo:small', 'demo:large', 'full:medium'),
    cpu: fc.bigInt(0n, 10n ** 13n),
    bytes: fc.bigInt(0n, 2n ** 70n),
  });
  type Drawn = { hour: number; second: number; seconds: number; tag: string; cpu: bigint; bytes: bigint };

  const addAll = (journal: ConJournal, container: string, drawn: readonly Drawn[]) =>
    drawn.map(({ hour, second, seconds, tag, cpu, bytes }) => {
      const from = at(`1${hour}:00`, second);
      const to = at(`1${hour}:00`, second + seconds);
      return journal.add({ container, from, to, tariffTag: tag, cpuNanos: cpu, bytesIn: bytes });
    });

  /** In one go and undisturbed. */
  async function quietTotal(drawn: readonly Drawn[]): Promise<bigint> {
    made += 1;
    const journal = new ConJournal(`quiet-${made}`);
    journal.instance = `quiet-${made}`;
    const owner = await books.customer(`quiet-${made}`);
    const lease = await books.lease(`quiet-app-${made}`, owner, journal.host);
    addAll(journal, lease, drawn);
    journal.closeAt(at('23:00'));
    await collect(db, journal.journal);
    await rateNow();
    return -(await ledger.balance(db.manager, customerAccount(owner, 'unbilled')));
  }

  it('replayed, doubled, reordered, rated in between and killed in the middle: the same total', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitrarySample, { minLength: 1, maxLength: 25 }),
        fc.array(fc.tuple(fc.nat(24), fc.nat(24), fc.constantFrom('commit', 'kill', 'rate', 'kill while rating')), {
          maxLength: 12,
        }),
        async (drawn, steps) => {
          made += 1;
          con = new ConJournal(`loud-${made}`);
          con.instance = `loud-${made}`;
          ann = await books.customer(`loud-${made}`);
          app = await books.lease(`loud-app-${made}`, ann, con.host);
          const samples = addAll(con, app, drawn);
          con.closeAt(at('23:00'));
          for (const [from, to, what] of steps) await disturb(samples, from, to, what);
          await collectNow();
          await rateNow();
          expect(await unbilledInBooks()).toBe(await quietTotal(drawn));
          expect(await shownUnbilled()).toBe(await unbilledInBooks());
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  async function disturb(samples: readonly Sample[], from: number, to: number, what: string): Promise<void> {
    const some = samples.slice(Math.min(from, to), Math.max(from, to) + 1).reverse();
    const attempt = db.transaction(async (tx) => {
      if (what === 'kill while rating') await rateHere(tx);
      else await insertSamples(tx, con.host, con.instance, some);
      if (what.startsWith('kill')) throw new Error('killed');
    });
    await attempt.catch((error: Error) => expect(error.message).toBe('killed'));
    if (what === 'rate') {
      await db.query(
        `insert into usage_cursor (host, instance, after, complete_until) values ($1, $2, 0, $3) on conflict do nothing`,
        [con.host, con.instance, con.completeUntil],
      );
      await rateNow();
    }
  }

  async function rateHere(tx: DataSource['manager']): Promise<void> {
    const { postUsed } = await import('../src/metering/rating.js');
    await postUsed(tx, ann, new Date(at('23:00')), { ledger, tariffs });
  }

  it('two raters at once post each hour once', async () => {
    for (let hour = 0; hour < 10; hour++) con.add({ container: app, from: at(`1${hour}:00`), to: at(`1${hour}:30`) });
    con.closeAt(at('23:00'));
    await collectNow();
    await Promise.all([rateNow(), rateNow(), rateNow()]);
    expect(await entries()).toHaveLength(10);
    expect(await unbilledInBooks()).toBe(15_000_000n);
  });

  it('the sums of the hours are the sums of the samples', async () => {
    const [row]: { differ: string }[] = await db.query(
      `select count(*) as differ from usage_sum s where run_ms <> (
         select sum(run_ms) from usage_sample t where t.lease_id = s.lease_id and t.tariff_tag = s.tariff_tag
            and date_trunc('hour', t.from_at, 'UTC') = s.hour)`,
    );
    expect(row?.differ).toBe('0');
  });

  it('the books show, for every customer, what their postings say', async () => {
    const rows: unknown[] = await db.query(
      `select customer_id from usage_entry group by customer_id
       having sum(nanos) <> (select coalesce(sum(nanos), 0) from ledger_transfer
                              where debit = 'customer:' || customer_id || ':unbilled')`,
    );
    expect(rows).toEqual([]);
  });
});

describe('a tariff', () => {
  it('never changes under its id', async () => {
    const cheaper = new TariffBook(Tariff.parse({ ...demoTariff, traffic: '0.01' }));
    await expect(cheaper.open(db.manager)).rejects.toMatchObject({ code: 'conflict' });
  });
});
