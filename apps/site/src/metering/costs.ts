import type { EntityManager } from 'typeorm';
import type { CustomerBook } from '../ledger/account.js';
import { startOfDay } from '../pricing/calendar.js';
import { quote } from '../pricing/quote.js';
import { difference, rate, total, type RatedLine, type Use } from '../pricing/rate.js';
import { fromTag, isOffered } from '../pricing/tariff.js';
import { standingOf, type Funds, type Standing } from '../pricing/standing.js';
import { gross, type Vat } from '../pricing/vat.js';
import { lineOf, useOf, type LineRow, type SumRow } from './hour.js';
import type { TariffBook } from './tariffs.js';

type Terms = Readonly<{ tariffs: TariffBook; vat: Vat; timeZone: string }>;
type Provisional = Readonly<{ leaseId: string; customerId: string; hour: Date; nanos: bigint }>;

/**
 * What is shown before it is invoiced: posted plus provisional, VAT included. Provisional is the same rating over what
 * was not posted yet, and is itself never posted. Three statements, however many are asked for.
 */
export class Costs {
  constructor(private readonly terms: Terms) {}

  /** Cost of each lease since midnight in the billing time zone; those that cost nothing are 0. */
  async costToday(db: EntityManager, leaseIds: readonly string[], now = new Date()): Promise<Map<string, bigint>> {
    const midnight = startOfDay(now, this.terms.timeZone);
    const posted: { lease_id: string; nanos: string }[] = await db.query(
      `select lease_id, sum(nanos) as nanos from usage_entry
        where lease_id = any($1) and hour >= $2 group by lease_id`,
      [leaseIds, midnight],
    );
    const sums = new Map(leaseIds.map((id) => [id, 0n]));
    for (const { lease_id, nanos } of posted) sums.set(lease_id, BigInt(nanos));
    for (const { leaseId, hour, nanos } of await this.provisional(db, 'lease_id', leaseIds)) {
      if (hour >= midnight) sums.set(leaseId, (sums.get(leaseId) ?? 0n) + nanos);
    }
    return this.withVat(sums);
  }

  /** Used and not yet invoiced, by customer. */
  async unbilled(db: EntityManager, customerIds: readonly string[]): Promise<Map<string, bigint>> {
    const posted: { customer_id: string; nanos: string }[] = await db.query(
      `select customer_id, sum(nanos) as nanos from usage_entry
        where customer_id = any($1) and invoice_number is null group by customer_id`,
      [customerIds],
    );
    const sums = new Map(customerIds.map((id) => [id, 0n]));
    for (const { customer_id, nanos } of posted) sums.set(customer_id, BigInt(nanos));
    for (const { customerId, nanos } of await this.provisional(db, 'customer_id', customerIds)) {
      sums.set(customerId, (sums.get(customerId) ?? 0n) + nanos);
    }
    return this.withVat(sums);
  }

  async funds(db: EntityManager, customerIds: readonly string[]): Promise<Map<string, Funds>> {
    const [unbilled, balances] = [await this.unbilled(db, customerIds), await balancesOf(db, customerIds)];
    return new Map(
      customerIds.map((id) => [id, { balanceNanos: balances.get(id) ?? 0n, unbilledNanos: unbilled.get(id) ?? 0n }]),
    );
  }

  async standing(db: EntityManager, customerId: string): Promise<Funds & Standing> {
    const funds = (await this.funds(db, [customerId])).get(customerId) ?? { balanceNanos: 0n, unbilledNanos: 0n };
    return { ...funds, ...standingOf(funds) };
  }

  /** What an hour of time on costs under that tag; 0 for a tag that nobody offered. */
  hourNanos(tag: string): bigint {
    const tariffs = this.terms.tariffs.all;
    if (!isOffered(tariffs, tag)) return 0n;
    const { tariff, size } = fromTag(tariffs, tag);
    return quote(tariff, size, this.terms.vat).hourNanos;
  }

  private withVat(sums: Map<string, bigint>): Map<string, bigint> {
    return new Map([...sums].map(([id, net]) => [id, gross(net, this.terms.vat)]));
  }

  private async provisional(
    db: EntityManager,
    by: 'lease_id' | 'customer_id',
    ids: readonly string[],
  ): Promise<Provisional[]> {
    const dirty = `select distinct lease_id, hour, customer_id from usage_sum where dirty and ${by} = any($1)`;
    const uses: (SumRow & { customer_id: string })[] = await db.query(
      `with dirty as (${dirty}) select usage_sum.* from dirty join usage_sum using (lease_id, hour)`,
      [ids],
    );
    if (uses.length === 0) return [];
    const lines: LineRow[] = await db.query(
      `with dirty as (${dirty})
       select usage_line.*, lease_id, hour from dirty join usage_entry using (lease_id, hour)
         join usage_line on entry_id = usage_entry.id`,
      [ids],
    );
    const posted = byHour(lines);
    return [...byHour(uses)].flatMap(([key, rows]) => {
      const [first] = rows;
      if (!first) return [];
      const nanos = total(this.open(rows.map(useOf), (posted.get(key) ?? []).map(lineOf)));
      return { leaseId: first.lease_id, customerId: first.customer_id, hour: first.hour, nanos };
    });
  }

  /** A tag that nobody offered is not shown as a cost; posting it fails, loudly, and that is where it is seen to. */
  private open(uses: readonly Use[], posted: readonly RatedLine[]): RatedLine[] {
    const tariffs = this.terms.tariffs.all;
    return difference(
      rate(
        uses.filter(({ tag }) => isOffered(tariffs, tag)),
        tariffs,
      ),
      posted,
    );
  }
}

function byHour<Row extends { lease_id: string; hour: Date }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.lease_id} ${row.hour.toISOString()}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

/** What we owe each customer less what they owe us. */
async function balancesOf(db: EntityManager, customerIds: readonly string[]): Promise<Map<string, bigint>> {
  const books: CustomerBook[] = ['balance', 'receivable'];
  const rows: { customer_id: string; nanos: string }[] = await db.query(
    `select owner.id as customer_id, sum(case when t.credit = account.name then t.nanos else -t.nanos end) as nanos
       from unnest($1::text[]) as owner (id)
       cross join lateral unnest($2::text[]) as book (name)
       cross join lateral (select 'customer:' || owner.id || ':' || book.name as name) as account
       join ledger_transfer t on t.credit = account.name or t.debit = account.name
      group by owner.id`,
    [customerIds, books],
  );
  return new Map(rows.map(({ customer_id, nanos }) => [customer_id, BigInt(nanos)]));
}
