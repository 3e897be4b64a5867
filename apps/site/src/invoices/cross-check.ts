import type { EntityManager } from 'typeorm';

/** Each finds rows that contradict another table; one row, one sentence. At most twenty of a kind are told. */
const checks: readonly string[] = [
  `select 'invoice ' || number || ' is not in the books' as alarm from invoice
    where (net_nanos <> 0 or rounding_nanos <> 0)
      and not exists (select from ledger_entry where id = 'invoice:' || invoice.number)`,
  `select 'invoice ' || number || ' is in the books with another amount' as alarm from invoice
     join lateral (
       select sum(case when debit = 'customer:' || customer_id || ':receivable' then nanos else -nanos end) as nanos
         from ledger_transfer where entry_id = 'invoice:' || number
          and 'customer:' || customer_id || ':receivable' in (debit, credit)
     ) as booked on booked.nanos is not null
    where booked.nanos <> gross_nanos`,
  `select 'entry ' || id || ' is for an invoice that is not there' as alarm from ledger_entry
    where id like 'invoice:%' and not exists (select from invoice where number = substr(id, 9))`,
  `select 'invoice ' || number || ' does not fit its own hash' as alarm from invoice where sha256 <> sha256(pdf)`,
  `select 'invoice ' || invoice.number || ' is not the document that was booked' as alarm from invoice
     join ledger_entry on ledger_entry.id = 'invoice:' || invoice.number
    where ledger_entry.why like '%sha256%'
      and (position('PDF sha256 ' || encode(sha256(pdf), 'hex') in why) = 0
        or position('data sha256 ' || encode(sha256(convert_to(document, 'UTF8')), 'hex') in why) = 0)`,
  `select 'invoice ' || number || ' has other figures than its document' as alarm from invoice,
     lateral (select document::jsonb as said) as read
    where (said #>> '{totals,net}', said #>> '{totals,rounding}', said #>> '{totals,vat}', said #>> '{totals,gross}',
           said #>> '{customer,id}', said ->> 'currency', said ->> 'number')
      is distinct from (net_nanos::text, rounding_nanos::text, vat_nanos::text, gross_nanos::text, customer_id, currency, number)`,
  `select 'invoice ' || number || ' says another sum than the use on it' as alarm from invoice
     left join lateral (select sum(nanos) as nanos from usage_entry where invoice_number = number) as used on true
    where coalesce(used.nanos, 0) + rounding_nanos <> net_nanos`,
  `select 'of ' || counted.year || ', ' || counted.last || ' invoices were counted, and ' || count(number) || ' are there' as alarm
     from invoice_counter as counted left join invoice on split_part(number, '-', 1)::int = counted.year
    group by counted.year, counted.last
   having count(number) <> counted.last or coalesce(max(split_part(number, '-', 2)::bigint), 0) <> counted.last`,
  `select 'invoice ' || number || ' has a number of a year that was not counted' as alarm from invoice
    where not exists (select from invoice_counter where year = split_part(number, '-', 1)::int)`,
  `select 'use ' || id || ' is not in the books' as alarm from usage_entry
    where nanos <> 0 and not exists (select from ledger_entry where ledger_entry.id = usage_entry.id)`,
  `select 'use ' || usage_entry.id || ' is in the books with another amount' as alarm from usage_entry
     join lateral (
       select sum(case when credit = 'revenue:usage' then t.nanos else -t.nanos end) as nanos
         from ledger_transfer t where t.entry_id = usage_entry.id and 'revenue:usage' in (debit, credit)
     ) as booked on booked.nanos is not null
    where booked.nanos <> usage_entry.nanos`,
  `select 'entry ' || id || ' is for use that was not posted' as alarm from ledger_entry
    where id like 'usage:%' and not exists (select from usage_entry where usage_entry.id = ledger_entry.id)`,
];

/**
 * Holds the books against invoices and posted use. Seals alone cannot tell that the newest entries were cut off together
 * with their seals; what they were made for is still there.
 */
export async function crossCheck(db: EntityManager): Promise<string[]> {
  const alarms: string[] = [];
  for (const check of checks) {
    const rows: { alarm: string }[] = await db.query(`${check} limit 20`);
    alarms.push(...rows.map(({ alarm }) => alarm));
  }
  return alarms;
}
