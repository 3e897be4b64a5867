import type { EntityManager } from 'typeorm';
import { measureOf } from '../metering/hour.js';
import type { Line } from './document.js';

/** Names the postings that a customer was not invoiced for, from hours that began before `until`, and holds them. */
export async function dueEntries(db: EntityManager, customerId: string, until: Date): Promise<DueEntry[]> {
  return db.query(
    `select id, from_at as "from", to_at as "to" from usage_entry
      where customer_id = $1 and invoice_number is null and hour < $2 order by id for update`,
    [customerId, until],
  );
}

export type DueEntry = Readonly<{ id: string; from: Date; to: Date }>;

type Row = Readonly<{
  lease_id: string;
  tariff_tag: string;
  measure: string;
  price_nanos: string;
  price_per: string;
  correction: boolean;
  quantity: string;
  nanos: string;
  from: Date;
  to: Date;
  name: string;
  app: string;
  version: string;
}>;

/**
 * The lines of these postings: one for each lease, size and measure. What belongs to an hour that stands on another
 * invoice already, or was used before this period, is a line of its own with its own dates.
 */
export async function linesOf(db: EntityManager, entries: readonly DueEntry[], periodFrom: Date): Promise<Line[]> {
  const rows: Row[] = await db.query(
    `with due as (
       select entry.*, exists (
         select from usage_entry earlier where earlier.lease_id = entry.lease_id and earlier.hour = entry.hour
            and earlier.revision < entry.revision and earlier.invoice_number is not null) as correction
         from usage_entry entry where entry.id = any($1))
     select due.lease_id, line.tariff_tag, line.measure, line.price_nanos, line.price_per, due.correction,
            sum(line.quantity) as quantity, sum(line.nanos) as nanos,
            min(due.from_at) as "from", max(due.to_at) as "to", lease.name, lease.app, lease.version
       from due join usage_line line on line.entry_id = due.id join lease on lease.id = due.lease_id
      group by due.lease_id, line.tariff_tag, line.measure, line.price_nanos, line.price_per, due.correction,
               due.to_at <= $2, lease.name, lease.app, lease.version
      order by lease.name, due.lease_id, "from", line.tariff_tag, line.measure`,
    [entries.map(({ id }) => id), periodFrom],
  );
  return rows.map(lineOf);
}

function lineOf(row: Row): Line {
  return {
    lease: row.lease_id,
    name: row.name,
    app: `${row.app} ${row.version}`,
    size: row.tariff_tag.split(':')[1] ?? '',
    measure: measureOf(row.measure),
    correction: row.correction,
    from: row.from.toISOString(),
    to: row.to.toISOString(),
    quantity: BigInt(row.quantity),
    price: { nanos: BigInt(row.price_nanos), per: BigInt(row.price_per) },
    nanos: BigInt(row.nanos),
  };
}
