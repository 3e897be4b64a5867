import type { EntityManager } from 'typeorm';
import type { CustomerBook } from '../ledger/account.js';
import type { LineRow, SumRow } from './hour.js';

type Sum = Readonly<{ id: string; nanos: string }>;

/** Everything that a cost is made of, at one moment. */
export type AtOnce = Readonly<{
  posted: readonly Sum[];
  /** The sums of every hour that holds something not posted. */
  uses: readonly (SumRow & Readonly<{ customer_id: string }>)[];
  /** What was posted of those hours. */
  lines: readonly LineRow[];
  /** What we owe each customer less what they owe us; empty where leases were asked for. */
  balances: readonly Sum[];
}>;

type Ids = 'lease_id' | 'customer_id';

const books: readonly CustomerBook[] = ['balance', 'receivable'];

/**
 * Reads it in one statement, and therefore as of one moment: between two, an hour may be posted or invoiced, and what was
 * used would be seen twice or not at all.
 * @param since which postings count: by lease those from that hour on, by customer those not invoiced.
 */
export async function costsAtOnce(
  db: EntityManager,
  by: Ids,
  ids: readonly string[],
  since = new Date(0),
): Promise<AtOnce> {
  const which = by === 'lease_id' ? 'hour >= $2' : 'invoice_number is null and hour >= $2';
  const parts = {
    posted: `select ${by} as id, sum(nanos)::text as nanos from usage_entry
              where ${by} = any($1) and ${which} group by ${by}`,
    uses: `select lease_id, hour, customer_id, tariff_tag, run_ms::text, cpu_nanos::text, memory_byte_seconds::text,
                  disk_byte_seconds::text, bytes_in::text, bytes_out::text
             from dirty join usage_sum using (lease_id, hour, customer_id)`,
    lines: `select lease_id, hour, tariff_tag, measure, quantity::text, price_nanos::text, price_per::text,
                   usage_line.nanos::text
              from dirty join usage_entry using (lease_id, hour) join usage_line on entry_id = usage_entry.id`,
    balances: `select id, sum(case when t.credit = account.name then t.nanos else -t.nanos end)::text as nanos
                 from unnest(case when $4 then $1::text[] else '{}' end) as owner (id)
                 cross join lateral unnest($3::text[]) as book (name)
                 cross join lateral (select 'customer:' || owner.id || ':' || book.name as name) as account
                 join ledger_transfer t on t.credit = account.name or t.debit = account.name
                group by id`,
  };
  const columns = Object.entries(parts).map(
    ([name, sql]) => `(select coalesce(jsonb_agg(to_jsonb(part)), '[]') from (${sql}) as part) as ${name}`,
  );
  const [row]: [Told] = await db.query(
    `with dirty as (select distinct lease_id, hour, customer_id from usage_sum where dirty and ${by} = any($1))
     select ${columns.join(', ')}`,
    [ids, since, books, by === 'customer_id'],
  );
  return { ...row, uses: row.uses.map(timed), lines: row.lines.map(timed) };
}

/** JSON has no dates. */
type Untimed<Row> = Omit<Row, 'hour'> & { hour: string };
type Told = Readonly<{
  posted: Sum[];
  uses: Untimed<AtOnce['uses'][number]>[];
  lines: Untimed<LineRow>[];
  balances: Sum[];
}>;

function timed<Row extends { hour: string }>(row: Row): Omit<Row, 'hour'> & { hour: Date } {
  return { ...row, hour: new Date(row.hour) };
}
