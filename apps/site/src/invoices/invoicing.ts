import { Problem } from '@berth/problem';
import type { Locale } from '@berth/site-api';
import type { EntityManager } from 'typeorm';
import type { Ledger } from '../ledger/ledger.js';
import { postUsed } from '../metering/rating.js';
import type { TariffBook } from '../metering/tariffs.js';
import type { Payments } from '../payments/payments.js';
import { bounds, yearAt, type Month } from '../pricing/calendar.js';
import type { Vat } from '../pricing/vat.js';
import type { Line, Seller } from './document.js';
import { dueEntries, linesOf, type DueEntry } from './due.js';
import { keep, print, proofOf } from './printed.js';
import { totalsOf, transfersOf } from './totals.js';

export type Terms = Readonly<{ seller: Seller; vat: Vat; timeZone: string }>;
export type Period = Readonly<{ from: Date; to: Date; month?: Month }>;

/** Issues invoices. Every method runs in the caller's transaction: all of an invoice is committed, or nothing. */
export class Invoicing {
  constructor(
    private readonly books: Readonly<{ ledger: Ledger; tariffs: TariffBook; payments: Payments }>,
    readonly terms: Terms,
  ) {}

  /**
   * Everything used and not yet invoiced, up to now. Answers its number, or nothing where nothing is due. The same key
   * again answers the same invoice.
   */
  async issueUpToNow(
    db: EntityManager,
    customerId: string,
    by: string,
    { now = new Date(), key }: Readonly<{ now?: Date; key?: string }> = {},
  ): Promise<string | undefined> {
    await this.books.payments.lock(db, customerId);
    const [before]: { number: string }[] = await db.query(
      'select number from invoice where customer_id = $1 and request_key = $2',
      [customerId, key ?? null],
    );
    return before ? before.number : this.issue(db, customerId, by, now, { to: now, ...(key ? { key } : {}) });
  }

  /** The month's, once. Nothing where it was issued already or nothing was used. */
  async issueMonth(db: EntityManager, customerId: string, month: Month, now = new Date()): Promise<string | undefined> {
    await this.books.payments.lock(db, customerId);
    const issued: unknown[] = await db.query('select 1 from invoice where customer_id = $1 and month = $2', [
      customerId,
      month,
    ]);
    if (issued.length > 0) return undefined;
    return this.issue(db, customerId, 'system', now, { ...bounds(month, this.terms.timeZone), month });
  }

  private async issue(
    db: EntityManager,
    customerId: string,
    by: string,
    now: Date,
    wanted: Readonly<{ from?: Date; to: Date; month?: Month; key?: string }>,
  ): Promise<string | undefined> {
    await postUsed(db, customerId, wanted.to, this.books);
    const entries = await dueEntries(db, customerId, wanted.to);
    if (entries.length === 0) return undefined;
    const usual = await this.periodOf(db, customerId, wanted, entries);
    const lines = await linesOf(db, entries, usual.from);
    const period = around(usual, lines);
    const totals = totalsOf(lines, this.terms.vat, await carriedOf(db, customerId));
    const number = await nextNumber(db, yearAt(now, this.terms.timeZone));
    const printed = await print({
      ...(await this.frame(db, customerId)),
      number,
      issuedAt: now.toISOString(),
      period: { from: period.from.toISOString(), to: period.to.toISOString() },
      lines,
      totals,
      paid: await this.books.payments.covered(db, customerId, totals.gross),
    });
    const transfers = transfersOf(customerId, totals, this.terms.vat);
    if (transfers.length > 0) {
      const why = `invoice ${wanted.month ? `for ${wanted.month}` : 'up to now'}; ${proofOf(printed)}`;
      await this.books.ledger.post(db, { id: `invoice:${number}`, effectiveAt: now, by, why, transfers });
    }
    await this.books.payments.settle(db, customerId, number, totals.gross);
    await keep(db, printed, wanted);
    await db.query('update usage_entry set invoice_number = $2 where id = any($1)', [
      entries.map(({ id }) => id),
      number,
    ]);
    return number;
  }

  /** From where the last invoice ended, or from the month's or the first use's beginning. */
  private async periodOf(
    db: EntityManager,
    customerId: string,
    wanted: Readonly<{ from?: Date; to: Date }>,
    entries: readonly DueEntry[],
  ): Promise<Period> {
    const [last]: { to: Date | null }[] = await db.query(
      'select max(period_to) as "to" from invoice where customer_id = $1',
      [customerId],
    );
    const first = Math.min(...entries.map(({ from }) => from.getTime()));
    const from = Math.max(last?.to?.getTime() ?? -Infinity, wanted.from?.getTime() ?? -Infinity);
    const begin = Number.isFinite(from) ? from : first;
    return { from: new Date(Math.min(begin, wanted.to.getTime())), to: wanted.to };
  }

  /** What is as it is today and is frozen now. */
  private async frame(db: EntityManager, customerId: string) {
    const [customer]: { id: string; name: string; email: string; locale: Locale }[] = await db.query(
      'select id, name, email, locale from customer where id = $1',
      [customerId],
    );
    if (!customer) throw new Problem('not_found', `cannot invoice ${customerId}: there is no such customer`);
    const { locale, ...person } = customer;
    const { seller, vat, timeZone } = this.terms;
    return { locale, customer: person, seller, vat, timeZone, currency: this.books.ledger.currency };
  }
}

/** The period of supply holds every line (EN 16931 BT-73, BT-74): late use of an earlier month makes it begin earlier. */
function around({ from, to }: Period, lines: readonly Line[]): Period {
  const instants = lines.flatMap((line) => [Date.parse(line.from), Date.parse(line.to)]);
  return {
    from: new Date(Math.min(from.getTime(), ...instants)),
    to: new Date(Math.max(to.getTime(), ...instants)),
  };
}

/** What rounding has left open so far: less than a cent, because each invoice takes it in. */
async function carriedOf(db: EntityManager, customerId: string): Promise<bigint> {
  const [row]: { nanos: string }[] = await db.query(
    'select coalesce(-sum(rounding_nanos), 0) as nanos from invoice where customer_id = $1',
    [customerId],
  );
  return BigInt(row?.nanos ?? 0);
}

/** Counts in the caller's transaction, which holds the row until it ends: a number that is not used is not taken. */
async function nextNumber(db: EntityManager, year: number): Promise<string> {
  const [row]: { last: number }[] = await db.query(
    `insert into invoice_counter as counter (year, last) values ($1, 1)
     on conflict (year) do update set last = counter.last + 1 returning last`,
    [year],
  );
  return `${year}-${String(row?.last).padStart(6, '0')}`;
}
