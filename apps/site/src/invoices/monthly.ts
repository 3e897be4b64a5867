import type { DataSource, EntityManager } from 'typeorm';
import { bounds, monthAt, monthBefore, type Month } from '../pricing/calendar.js';
import type { Invoicing } from './invoicing.js';

/** How long a month's invoice waits for a host that is silent. What it tells later is on the next one. */
const patienceMs = 5 * 86_400_000;

/** Fetches what hosts have to tell; never throws for one that is silent. */
type Ask = (hosts: readonly string[]) => Promise<unknown>;
const nobody: Ask = () => Promise.resolve();

/**
 * Issues what is missing of the month before this one: a transaction each, so that one that fails keeps nobody waiting.
 * @throws AggregateError of those that failed.
 */
export async function issueMonthly(
  dataSource: DataSource,
  invoicing: Invoicing,
  { now = new Date(), ask = nobody }: Readonly<{ now?: Date; ask?: Ask }> = {},
): Promise<string[]> {
  const { timeZone } = invoicing.terms;
  const month = monthBefore(monthAt(now, timeZone));
  const { from, to } = bounds(month, timeZone);
  const isPatient = now.getTime() < to.getTime() + patienceMs;
  const hosts = new Behind(dataSource.manager, ask);
  const issued: string[] = [];
  const failed: unknown[] = [];
  for (const customerId of await customersDue(dataSource.manager, month, to)) {
    try {
      if (isPatient && (await hosts.of(customerId, from, to)).length > 0) continue;
      if (await hosts.mayCatchUp(customerId, from, to)) continue;
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

/** Hosts that have not told all of a month yet. */
class Behind {
  private readonly asked = new Map<string, Promise<boolean>>();

  constructor(
    private readonly db: EntityManager,
    private readonly ask: Ask,
  ) {}

  /** Those on which the customer held something in that month. */
  async of(customerId: string, from: Date, to: Date): Promise<string[]> {
    const rows: { host: string }[] = await this.db.query(
      `select distinct lease.host from lease left join usage_cursor on usage_cursor.host = lease.host
        where customer_id = $1 and created_at < $3 and (ended_at is null or ended_at >= $2)
          and (complete_until is null or complete_until < $3)`,
      [customerId, from, to],
    );
    return rows.map(({ host }) => host);
  }

  /**
   * Whether one of them answers by now and goes on telling: it was site that was away, and the invoice waits for it. One
   * that is silent, or tells nothing of that month any more, is waited for no longer.
   */
  async mayCatchUp(customerId: string, from: Date, to: Date): Promise<boolean> {
    const behind = await this.of(customerId, from, to);
    if (behind.length === 0) return false;
    const tells = await Promise.all(behind.map((host) => this.tellsMore(host)));
    return tells.includes(true) && (await this.of(customerId, from, to)).length > 0;
  }

  /** Asked once a run, however many customers wait for it. */
  private tellsMore(host: string): Promise<boolean> {
    const known = this.asked.get(host);
    if (known) return known;
    const answer = (async () => {
      const before = await this.completeUntil(host);
      await this.ask([host]);
      return (await this.completeUntil(host)) > before;
    })();
    this.asked.set(host, answer);
    return answer;
  }

  private async completeUntil(host: string): Promise<number> {
    const [row]: { at: Date | null }[] = await this.db.query(
      'select complete_until as at from usage_cursor where host = $1',
      [host],
    );
    return row?.at?.getTime() ?? 0;
  }
}
