import type { DataSource, EntityManager } from 'typeorm';
import { bounds, monthAt, monthBefore, type Month } from '../pricing/calendar.js';
import type { Invoicing } from './invoicing.js';

/** How long a month's invoice waits for a host that is silent. What it tells later is on the next one. */
const patienceMs = 5 * 86_400_000;

/**
 * Issues what is missing of the month before this one: a transaction each, so that one that fails keeps nobody waiting.
 * @throws AggregateError of those that failed.
 */
export async function issueMonthly(dataSource: DataSource, invoicing: Invoicing, now = new Date()): Promise<string[]> {
  const { timeZone } = invoicing.terms;
  const month = monthBefore(monthAt(now, timeZone));
  const { from, to } = bounds(month, timeZone);
  const isPatient = now.getTime() < to.getTime() + patienceMs;
  const issued: string[] = [];
  const failed: unknown[] = [];
  for (const customerId of await customersDue(dataSource.manager, month, to)) {
    try {
      if (isPatient && !(await isKnown(dataSource.manager, customerId, from, to))) continue;
      const number = await dataSource.transaction((db) => invoicing.issueMonth(db, customerId, month, now));
      if (number !== undefined) issued.push(number);
    } catch (error) {
      failed.push(error);
    }
  }
  if (failed.length > 0) throw new AggregateError(failed, `cannot issue ${failed.length} invoices of ${month}`);
  return issued;
}

async function customersDue(db: EntityManager, month: Month, until: Date): Promise<string[]> {
  const rows: { customer_id: string }[] = await db.query(
    `select customer_id from usage_entry where invoice_number is null and hour < $2
      union select customer_id from usage_sum where dirty and hour < $2
     except select customer_id from invoice where month = $1
      order by customer_id`,
    [month, until],
  );
  return rows.map(({ customer_id }) => customer_id);
}

/** Whether every host on which the customer held something in that month has told all of it. */
async function isKnown(db: EntityManager, customerId: string, from: Date, to: Date): Promise<boolean> {
  const behind: unknown[] = await db.query(
    `select lease.host from lease left join usage_cursor on usage_cursor.host = lease.host
      where customer_id = $1 and created_at < $3 and (ended_at is null or ended_at >= $2)
        and (complete_until is null or complete_until < $3) limit 1`,
    [customerId, from, to],
  );
  return behind.length === 0;
}
