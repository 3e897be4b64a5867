import { Problem } from '@berth/problem';
import type { EntityManager } from 'typeorm';
import type { Account } from './account.js';
import { bodyOf, mustMove, type Entry, type Transfer } from './entry.js';

/** A moment to look from: what had happened by then, or what was known by then. */
export type AsOf = Readonly<{ effective?: Date; recorded?: Date }>;

/** Double entry, append only. It knows accounts and ids; what they are about is the caller's business. */
export class Ledger {
  constructor(readonly currency: string) {}

  /** Says once, when site starts, which currency the books are kept in; the database then takes no other. */
  async open(db: EntityManager): Promise<void> {
    await db.query('insert into ledger_book (currency) values ($1) on conflict do nothing', [this.currency]);
    const [book]: { currency: string }[] = await db.query('select currency from ledger_book');
    if (book?.currency !== this.currency) {
      throw new Problem('conflict', `cannot keep books in ${this.currency}: they were begun in ${book?.currency}`);
    }
  }

  /**
   * The caller owns the transaction. Posting an id twice is posting it once; answers whether this was the first time.
   * @throws Problem `invalid` where nothing moves, `conflict` where the id stands for other money already.
   */
  async post(db: EntityManager, entry: Entry): Promise<boolean> {
    mustMove(entry);
    const body = bodyOf(entry, this.currency);
    const added: unknown[] = await db.query(
      `insert into ledger_entry (id, effective_at, posted_by, why, currency, reverses, body)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing returning id`,
      [entry.id, entry.effectiveAt, entry.by, entry.why, this.currency, entry.reverses ?? null, body],
    );
    if (added.length === 0) {
      await this.mustMatch(db, entry.id, body);
      return false;
    }
    await this.insertTransfers(db, entry);
    return true;
  }

  /** Takes an entry back by its mirror image. An entry is taken back at most once. */
  async reverse(db: EntityManager, id: string, reversal: Omit<Entry, 'transfers' | 'reverses'>): Promise<boolean> {
    const rows: { debit: Account; credit: Account; nanos: string }[] = await db.query(
      'select debit, credit, nanos from ledger_transfer where entry_id = $1 order by line',
      [id],
    );
    if (rows.length === 0) throw new Problem('not_found', `cannot reverse ${id}: there is no such entry`);
    const transfers = rows.map(({ debit, credit, nanos }): Transfer => ({
      debit: credit,
      credit: debit,
      nanos: BigInt(nanos),
    }));
    return this.post(db, { ...reversal, transfers, reverses: id });
  }

  /** Credits less debits: positive is what we owe. */
  async balance(db: EntityManager, account: Account, asOf: AsOf = {}): Promise<bigint> {
    const [row]: { nanos: string }[] = await db.query(
      `select coalesce(sum(case when credit = $1 then nanos else -nanos end), 0) as nanos
         from ledger_transfer join ledger_entry on ledger_entry.id = entry_id
        where (credit = $1 or debit = $1)
          and ($2::timestamptz is null or effective_at <= $2)
          and ($3::timestamptz is null or recorded_at <= $3)`,
      [account, asOf.effective ?? null, asOf.recorded ?? null],
    );
    return BigInt(row?.nanos ?? 0);
  }

  private async insertTransfers(db: EntityManager, { id, transfers }: Entry): Promise<void> {
    await db.query(
      `insert into ledger_transfer (entry_id, currency, line, debit, credit, nanos)
       select $1, $2, line - 1, debit, credit, nanos
         from unnest($3::text[], $4::text[], $5::numeric[]) with ordinality as t (debit, credit, nanos, line)`,
      [
        id,
        this.currency,
        transfers.map(({ debit }) => debit),
        transfers.map(({ credit }) => credit),
        transfers.map(({ nanos }) => nanos.toString()),
      ],
    );
  }

  private async mustMatch(db: EntityManager, id: string, body: Buffer): Promise<void> {
    const [row]: { body: Buffer }[] = await db.query('select body from ledger_entry where id = $1', [id]);
    if (!row?.body.equals(body)) {
      throw new Problem('conflict', `cannot post ${id}: another amount was posted under that id`);
    }
  }
}
