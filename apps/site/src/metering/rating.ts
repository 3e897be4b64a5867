import { Problem } from '@berth/problem';
import type { DataSource, EntityManager } from 'typeorm';
import { customerAccount } from '../ledger/account.js';
import { moves } from '../ledger/entry.js';
import type { Ledger } from '../ledger/ledger.js';
import { difference, rate, total, type RatedLine } from '../pricing/rate.js';
import { entryIdOf, lineOf, useOf, type LeaseHour, type LineRow, type SumRow } from './hour.js';
import { isOffered, tagsOf } from '../pricing/tariff.js';
import type { TariffBook } from './tariffs.js';

type Books = Readonly<{ ledger: Ledger; tariffs: TariffBook }>;
type HeldSum = SumRow & Readonly<{ customer_id: string; fresh_from: Date | null; fresh_to: Date | null }>;

/** How many lease-hours one run looks at; the rest is the next run's. */
const batch = 2_000;

/**
 * Posts every hour that is over and wholly known, each in a transaction of its own. One that cannot be rated does not
 * keep the others waiting.
 * @throws AggregateError of those that could not.
 */
export async function rateClosedHours(dataSource: DataSource, books: Books): Promise<number> {
  const failed: unknown[] = [];
  const hours = await closedHours(dataSource.manager, books.tariffs);
  for (const hour of hours) {
    await dataSource.transaction((db) => postHour(db, hour, books)).catch((error: unknown) => failed.push(error));
  }
  if (failed.length > 0) throw new AggregateError(failed, `cannot rate ${failed.length} of ${hours.length} hours`);
  return hours.length;
}

/** @throws Problem `internal` where a host reports use under tags that nobody offered: it is not charged, and somebody must look at it. */
export async function mustKnowTags(db: EntityManager, tariffs: TariffBook): Promise<void> {
  const rows: { tag: string; host: string }[] = await db.query(
    'select distinct tariff_tag as tag, host from usage_sum where dirty and tariff_tag <> all($1) limit 10',
    [tagsOf(tariffs.all)],
  );
  if (rows.length === 0) return;
  const which = rows.map(({ tag, host }) => `${JSON.stringify(tag)} of host ${host}`).join(', ');
  throw new Problem('internal', `cannot rate the tag ${which}: no tariff has it`);
}

/** Those with something new, whose host has told everything up to their end. Tags that nobody offered are left alone. */
async function closedHours(db: EntityManager, tariffs: TariffBook): Promise<LeaseHour[]> {
  const rows: { lease_id: string; hour: Date }[] = await db.query(
    `select distinct lease_id, hour from usage_sum join usage_cursor using (host)
      where dirty and complete_until >= hour + interval '1 hour' and tariff_tag = any($1)
      order by hour, lease_id limit ${batch}`,
    [tagsOf(tariffs.all)],
  );
  return rows.map(({ lease_id: leaseId, hour }) => ({ leaseId, hour }));
}

/** Posts everything a customer used before `until` and that is known, open hours and silent hosts included. */
export async function postUsed(db: EntityManager, customerId: string, until: Date, books: Books): Promise<void> {
  const rows: { lease_id: string; hour: Date }[] = await db.query(
    `select distinct lease_id, hour from usage_sum where dirty and customer_id = $1 and hour < $2
      order by lease_id, hour`, // the collector's order, so that the two wait for each other and never both
    [customerId, until],
  );
  for (const { lease_id: leaseId, hour } of rows) await postHour(db, { leaseId, hour }, books);
}

/**
 * Posts what is new in an hour. Use under a tag that nobody offered stays open, and keeps nothing else from being posted. The lock on its sums makes collector and raters take turns: a sample is either in this
 * posting or in the next one.
 */
export async function postHour(db: EntityManager, at: LeaseHour, { ledger, tariffs }: Books): Promise<void> {
  const sums: HeldSum[] = await db.query(
    'select * from usage_sum where lease_id = $1 and hour = $2 order by tariff_tag for update',
    [at.leaseId, at.hour],
  );
  const [first] = sums;
  if (!first) return;
  const offered = sums.filter(({ tariff_tag }) => isOffered(tariffs.all, tariff_tag));
  const lines = difference(rate(offered.map(useOf), tariffs.all), await postedLines(db, at));
  if (lines.length > 0) {
    const from = least(offered.map((sum) => sum.fresh_from)) ?? at.hour;
    const to = greatest(offered.map((sum) => sum.fresh_to)) ?? from;
    await insertEntry(db, at, { customerId: first.customer_id, from, to, lines }, ledger);
  }
  await db.query(
    `update usage_sum set dirty = false, fresh_from = null, fresh_to = null
      where lease_id = $1 and hour = $2 and tariff_tag = any($3)`,
    [at.leaseId, at.hour, offered.map(({ tariff_tag }) => tariff_tag)],
  );
}

async function postedLines(db: EntityManager, { leaseId, hour }: LeaseHour): Promise<RatedLine[]> {
  const rows: LineRow[] = await db.query(
    `select usage_line.*, lease_id, hour from usage_line join usage_entry on usage_entry.id = entry_id
      where lease_id = $1 and hour = $2`,
    [leaseId, hour],
  );
  return rows.map(lineOf);
}

type Posting = Readonly<{ customerId: string; from: Date; to: Date; lines: readonly RatedLine[] }>;

async function insertEntry(db: EntityManager, at: LeaseHour, posting: Posting, ledger: Ledger): Promise<void> {
  const { customerId, from, to, lines } = posting;
  const [last]: { revision: number }[] = await db.query(
    'select coalesce(max(revision), 0)::int as revision from usage_entry where lease_id = $1 and hour = $2',
    [at.leaseId, at.hour],
  );
  const revision = (last?.revision ?? 0) + 1;
  const id = entryIdOf(at, revision);
  await db.query(
    `insert into usage_entry (id, lease_id, hour, revision, customer_id, from_at, to_at, nanos)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, at.leaseId, at.hour, revision, customerId, from, to, total(lines).toString()],
  );
  for (const { tag, measure, quantity, price, nanos } of lines) {
    await db.query(
      `insert into usage_line (entry_id, tariff_tag, measure, quantity, price_nanos, price_per, nanos)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [id, tag, measure, `${quantity}`, `${price.nanos}`, `${price.per}`, `${nanos}`],
    );
  }
  const debit = customerAccount(customerId, 'unbilled');
  const transfers = moves(lines.map(({ nanos }) => ({ debit, credit: 'revenue:usage', nanos })));
  // A few milliseconds may come to nothing: they stand on the invoice with their quantity, and in no book.
  if (transfers.length > 0)
    await ledger.post(db, { id, effectiveAt: to, by: 'system', why: 'an hour of use', transfers });
}

function least(dates: readonly (Date | null)[]): Date | undefined {
  return sorted(dates)[0];
}

function greatest(dates: readonly (Date | null)[]): Date | undefined {
  return sorted(dates).at(-1);
}

function sorted(dates: readonly (Date | null)[]): Date[] {
  return dates.filter((date) => date !== null).sort((a, b) => a.getTime() - b.getTime());
}
