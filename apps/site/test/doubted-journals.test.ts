import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Ledger } from '../src/ledger/ledger.js';
import { collect } from '../src/metering/collector.js';
import { Costs } from '../src/metering/costs.js';
import { journalWarnings } from '../src/metering/journal-warnings.js';
import { mustKnowTags, rateClosedHours } from '../src/metering/rating.js';
import { TariffBook } from '../src/metering/tariffs.js';
import { demoTariff, Tariff } from '../src/pricing/tariff.js';
import { at, ConJournal } from './con-journal.js';
import { openBooks, type Books } from './books.js';

jest.setTimeout(60_000); // a database on a busy machine

const ledger = new Ledger('EUR');
const tariffs = new TariffBook(Tariff.parse(demoTariff));
const costs = new Costs({ tariffs, vat: { mode: 'small-business' }, timeZone: 'Europe/Berlin' });

let books: Books;
let db: DataSource;
let made = 0;
let ours: ConJournal;
let theirs: ConJournal;
let ann: string;
let app: string;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
  await ledger.open(db.manager);
  await tariffs.open(db.manager);
});
afterAll(() => books.close());

beforeEach(async () => {
  made += 1;
  ours = new ConJournal(`ours-${made}`);
  ours.instance = `instance-of-ours-${made}`;
  theirs = new ConJournal(`theirs-${made}`);
  theirs.instance = `instance-of-theirs-${made}`;
  ann = await books.customer(`ann-${made}`);
  app = await books.lease(`app-${made}`, ann, ours.host);
});

const rateNow = () => rateClosedHours(db, { ledger, tariffs });
const billedMs = async (lease = app): Promise<bigint> => {
  const [row]: { ms: string }[] = await db.query(
    'select coalesce(sum(run_ms), 0) as ms from usage_sum where lease_id = $1',
    [lease],
  );
  return BigInt(row!.ms);
};
const asideReasons = async (host = ours.host): Promise<string[]> => {
  const rows: { reason: string }[] = await db.query('select reason from usage_set_aside where host = $1 order by seq', [
    host,
  ]);
  return rows.map(({ reason }) => reason);
};

describe('a journal is believed for its own host', () => {
  it('and bills nobody for a container that another host holds', async () => {
    ours.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    theirs.add({ container: app, from: at('10:00'), to: at('10:59') });
    theirs.closeAt(at('12:00'));
    await collect(db, ours.journal);
    await collect(db, theirs.journal);
    expect(await billedMs()).toBe(10_000n);
    expect(await rateNow()).toBe(0); // their word does not close our hour either
  });

  it('even where a copied machine brought its instance along', async () => {
    theirs.instance = ours.instance;
    const other = await books.lease(`other-${made}`, ann, theirs.host);
    ours.add({ container: app, from: at('10:00'), to: at('10:30') });
    theirs.add({ container: other, from: at('10:00'), to: at('10:20') });
    await collect(db, ours.journal);
    await collect(db, theirs.journal);
    expect([await billedMs(), await billedMs(other)]).toEqual([1_800_000n, 1_200_000n]);
  });
});

describe('a journal that went back to a backup', () => {
  const tenSamples = (clock: string, seconds = 0) => {
    for (let n = 0; n < 10; n++)
      ours.add({ container: app, from: at(clock, seconds + n * 10), to: at(clock, seconds + n * 10 + 10) });
  };

  it('is read anew: what it told before is not billed twice, and what is new is billed', async () => {
    tenSamples('10:00');
    await collect(db, ours.journal);
    ours.samples.length = 5;
    for (let n = 0; n < 3; n++) ours.add({ container: app, from: at('11:00', n * 10), to: at('11:00', n * 10 + 10) });
    await collect(db, ours.journal);
    expect(await billedMs()).toBe(130_000n);
    expect(new Set(await asideReasons())).toEqual(new Set(['an earlier journal of this host has told of that time']));
    ours.add({ container: app, from: at('11:00', 30), to: at('11:00', 40) });
    await collect(db, ours.journal);
    expect(await billedMs()).toBe(140_000n);
  });

  it('is noticed although it has grown beyond the number read last', async () => {
    tenSamples('10:00');
    await collect(db, ours.journal);
    ours.samples.length = 5;
    tenSamples('11:00');
    await collect(db, ours.journal);
    expect(await billedMs()).toBe(200_000n);
  });
});

it('of two that collect at once, each knows in the end all that was cut for it', async () => {
  ours.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
  await collect(db, ours.journal);
  ours.add({ container: app, from: at('10:00', 10), to: at('10:00', 20) });
  let isFirst = true;
  const read: ConJournal['journal']['read'] = async (params) => {
    if (isFirst) {
      isFirst = false;
      await collect(db, ours.journal); // the job was quicker, and the click has cut a sample more
      ours.add({ container: app, from: at('10:00', 20), to: at('10:00', 29) });
    }
    return ours.journal.read(params);
  };
  await collect(db, { host: ours.host, read }, { cut: true });
  expect(await billedMs()).toBe(29_000n);
});

it('nothing is taken while clocks differ by a day, and nothing is lost by that', async () => {
  ours.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
  const read: ConJournal['journal']['read'] = async (params) => ({
    ...(await ours.journal.read(params)),
    observedAt: new Date(Date.now() - 30 * 3_600_000).toISOString(),
  });
  await expect(collect(db, { host: ours.host, read })).rejects.toThrow('its clock and ours differ by -30 hours');
  expect(await billedMs()).toBe(0n);
  await collect(db, ours.journal);
  expect(await billedMs()).toBe(10_000n);
});

describe('what nobody can have used is set aside', () => {
  it.each([
    ['it ran for longer than it lasted', { from: at('10:00'), to: at('10:00', 10), runMs: 3_600_000_000n }],
    ['it ends before it begins', { from: at('10:30'), to: at('10:00'), runMs: 5n }],
    ['it goes beyond its hour', { from: at('10:30'), to: at('11:30') }],
    ['it lies in the future', { from: '2099-01-01T10:00:00.000Z', to: '2099-01-01T10:10:00.000Z' }],
    ['it lies before its container was ordered', { from: '2025-12-30T10:00:00.000Z', to: '2025-12-30T10:10:00.000Z' }],
    ['it is more than 400 days old', { from: '0000-01-01T00:00:00.000Z', to: '0000-01-01T00:00:00.000Z' }],
    ['it is more than 400 days old', { from: '2001-01-01T10:00:00.000Z', to: '2001-01-01T10:10:00.000Z' }],
    ['an amount is negative', { from: at('10:00'), to: at('10:10'), cpuNanos: -1n }],
    ['an amount is beyond 32 digits', { from: at('10:00'), to: at('10:10'), bytesIn: 10n ** 32n }],
    ['its boot is no number of boots', { from: at('10:00'), to: at('10:10'), boot: 2 ** 31 }],
    ['its id or tag is too long', { from: at('10:00'), to: at('10:10'), tariffTag: 'x'.repeat(6_000) }],
    ['it holds a NUL', { from: at('10:00'), to: at('10:10'), tariffTag: 'demo:\0' }],
  ])('because %s, and the rest of its page is billed', async (reason, sample) => {
    ours.add({ container: app, from: at('09:00'), to: at('09:00', 10) });
    ours.add({ container: app, ...sample });
    const { doubted } = await collect(db, ours.journal);
    expect(await billedMs()).toBe(10_000n);
    expect(await asideReasons()).toEqual([reason]);
    expect(doubted.map(({ sample: { seq } }) => seq)).toEqual([2n]);
    await collect(db, ours.journal); // the last one known is one set aside
    expect(await billedMs()).toBe(10_000n);
  });

  it('because an hour has no more than an hour, however often it is told', async () => {
    for (let boot = 1; boot <= 5; boot++) ours.add({ container: app, from: at('10:00'), to: at('11:00'), boot });
    await collect(db, ours.journal);
    for (let n = 0; n < 100; n++) ours.add({ container: app, from: at('10:30'), to: at('10:30'), runMs: 60_000n });
    await collect(db, ours.journal);
    expect(await billedMs()).toBeLessThanOrEqual(3_660_000n);
    expect(new Set(await asideReasons())).toEqual(new Set(['its hour is full already']));
  });

  it('and a journal that went back is noticed where the last of it was set aside', async () => {
    ours.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
    ours.add({ container: app, from: at('10:30'), to: at('10:00') }); // not believed
    await collect(db, ours.journal);
    ours.samples.length = 1;
    for (let n = 0; n < 5; n++) ours.add({ container: app, from: at('11:00', n * 10), to: at('11:00', n * 10 + 10) });
    await collect(db, ours.journal);
    expect(await billedMs()).toBe(60_000n);
  });

  it('and stays as it was told', async () => {
    ours.add({ container: app, from: at('10:30'), to: at('10:00') });
    await collect(db, ours.journal);
    await expect(db.query('delete from usage_set_aside where host = $1', [ours.host])).rejects.toThrow();
    await expect(db.query(`update usage_set_aside set reason = 'x'`)).rejects.toThrow();
  });
});

it('use under a tag that nobody offered keeps nothing else from being posted, and is told of each time', async () => {
  ours.add({ container: app, from: at('10:00'), to: at('10:30') });
  ours.add({ container: app, from: at('10:30'), to: at('10:40'), tariffTag: 'demo:small:x' });
  ours.closeAt(at('11:00'));
  await collect(db, ours.journal);
  await rateNow();
  await expect(mustKnowTags(db.manager, tariffs)).rejects.toThrow(`"demo:small:x" of host ${ours.host}`);
  const [posted]: { quantity: string }[] = await db.query(
    'select sum(quantity) as quantity from usage_line join usage_entry on id = entry_id where lease_id = $1',
    [app],
  );
  expect(posted?.quantity).toBe('1800000');
});

it('what was used is shown once while its hour is being posted', async () => {
  ours.add({ container: app, from: at('10:00'), to: at('10:59', 59) });
  ours.closeAt(at('11:00'));
  await collect(db, ours.journal);
  const shown = async (run: (sql: string, values: unknown[]) => Promise<unknown>) =>
    (await costs.unbilled({ query: run } as unknown as DataSource['manager'], [ann])).get(ann);
  const before = await shown((sql, values) => db.query(sql, values));
  const during = await shown(async (sql, values) => {
    const rows = await db.query(sql, values);
    await rateNow();
    return rows;
  });
  expect(during).toBe(before);
  expect(await shown((sql, values) => db.query(sql, values))).toBe(before);
});

it('an operator is told of a clock that differs, of a journal that went back or stands still, and of samples not believed', async () => {
  ours.add({ container: app, from: at('10:00'), to: at('10:00', 10) });
  ours.add({ container: app, from: at('10:30'), to: at('10:00') });
  await collect(db, ours.journal);
  ours.samples.length = 1;
  const read: ConJournal['journal']['read'] = async (params) => ({
    ...(await ours.journal.read(params)),
    observedAt: new Date(Date.now() + 60_000).toISOString(),
  });
  await collect(db, { host: ours.host, read });
  await collect(db, theirs.journal);
  const warnings = await journalWarnings(db.manager);
  expect(warnings.get(ours.host)?.map(({ what }) => what)).toEqual([
    expect.stringMatching(/^Its clock and ours differ by (59|60) s\.$/),
    'Its journal went back to a backup.',
    '2 samples of it are not believed and not billed; the last because an earlier journal of this host has told of that time.',
  ]);
  expect(warnings.get(theirs.host)).toEqual([]);
  const later = await journalWarnings(db.manager, Date.now() + 600_000);
  expect(later.get(theirs.host)?.map(({ what }) => what)).toEqual([
    expect.stringMatching(/^Its journal was last read at \S+Z\.$/),
  ]);
});
