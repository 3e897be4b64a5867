import type { EntityManager } from 'typeorm';
import { startOfDay } from '../pricing/calendar.js';
import { quote } from '../pricing/quote.js';
import { difference, rate, total, type RatedLine, type Use } from '../pricing/rate.js';
import { fromTag, isOffered } from '../pricing/tariff.js';
import { standingOf, type Funds, type Standing } from '../pricing/standing.js';
import { gross, type Vat } from '../pricing/vat.js';
import { costsAtOnce, type AtOnce } from './at-once.js';
import { lineOf, useOf } from './hour.js';
import type { TariffBook } from './tariffs.js';

type Terms = Readonly<{ tariffs: TariffBook; vat: Vat; timeZone: string }>;
type Provisional = Readonly<{ leaseId: string; customerId: string; hour: Date; nanos: bigint }>;

/**
 * What is shown before it is invoiced: posted plus provisional, VAT included. Provisional is the same rating over what
 * was not posted yet, and is itself never posted. One statement, however many are asked for.
 */
export class Costs {
  constructor(private readonly terms: Terms) {}

  /** Cost of each lease since midnight in the billing time zone; those that cost nothing are 0. */
  async costToday(db: EntityManager, leaseIds: readonly string[], now = new Date()): Promise<Map<string, bigint>> {
    const midnight = startOfDay(now, this.terms.timeZone);
    const known = await costsAtOnce(db, 'lease_id', leaseIds, midnight);
    const sums = new Map(leaseIds.map((id) => [id, 0n]));
    for (const { id, nanos } of known.posted) sums.set(id, BigInt(nanos));
    for (const { leaseId, hour, nanos } of this.provisional(known)) {
      if (hour >= midnight) sums.set(leaseId, (sums.get(leaseId) ?? 0n) + nanos);
    }
    return this.withVat(sums);
  }

  /** Used and not yet invoiced, by customer. */
  async unbilled(db: EntityManager, customerIds: readonly string[]): Promise<Map<string, bigint>> {
    return this.unbilledOf(await costsAtOnce(db, 'customer_id', customerIds), customerIds);
  }

  async funds(db: EntityManager, customerIds: readonly string[]): Promise<Map<string, Funds>> {
    const known = await costsAtOnce(db, 'customer_id', customerIds);
    const unbilled = this.unbilledOf(known, customerIds);
    const balances = new Map(known.balances.map(({ id, nanos }) => [id, BigInt(nanos)]));
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

  private unbilledOf(known: AtOnce, customerIds: readonly string[]): Map<string, bigint> {
    const sums = new Map(customerIds.map((id) => [id, 0n]));
    for (const { id, nanos } of known.posted) sums.set(id, BigInt(nanos));
    for (const { customerId, nanos } of this.provisional(known)) {
      sums.set(customerId, (sums.get(customerId) ?? 0n) + nanos);
    }
    return this.withVat(sums);
  }

  private provisional({ uses, lines }: AtOnce): Provisional[] {
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
