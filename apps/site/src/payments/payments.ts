import { Problem } from '@berth/problem';
import { InvalidFields } from '../http/invalid-fields.js';
import type { EntityManager } from 'typeorm';
import { customerAccount } from '../ledger/account.js';
import type { Ledger } from '../ledger/ledger.js';

export type TopUp = Readonly<{ customerId: string; nanos: bigint; reference: string; by: string }>;

/** Money that arrived, and what is paid from it. The caller owns the transaction. */
export class Payments {
  constructor(private readonly ledger: Ledger) {}

  /**
   * Books what an admin saw arrive. The reference makes it once; answers whether this was that time.
   * @throws Problem `invalid` for what is no amount or no reference, `conflict` where the reference stands for other money.
   */
  async topUp(db: EntityManager, { customerId, nanos, reference, by }: TopUp): Promise<boolean> {
    mustBeMoney(nanos);
    mustBeReference(reference);
    await this.lock(db, customerId);
    const transfers = [{ debit: 'bank' as const, credit: customerAccount(customerId, 'balance'), nanos }];
    const entry = { id: `payment:manual:${folded(reference)}`, effectiveAt: new Date(), by, why: 'top-up', transfers };
    const isNew = await this.ledger.post(db, entry).catch((error: unknown) => {
      throw error instanceof Problem && error.code === 'conflict' ? usedReference(error) : error;
    });
    await this.settleOpen(db, customerId);
    return isNew;
  }

  /** How much of what is owed the balance covers; it stays so until the caller's transaction ends. */
  async covered(db: EntityManager, customerId: string, owed: bigint): Promise<bigint> {
    await this.lock(db, customerId);
    const available = await this.ledger.balance(db, customerAccount(customerId, 'balance'));
    const nanos = available < owed ? available : owed;
    return nanos > 0n ? nanos : 0n;
  }

  /** Pays an invoice from the balance as far as that goes. */
  async settle(db: EntityManager, customerId: string, number: string, owed: bigint): Promise<void> {
    const nanos = await this.covered(db, customerId, owed);
    if (nanos === 0n) return;
    const debit = customerAccount(customerId, 'balance');
    await this.ledger.post(db, {
      id: await this.freeId(db, number),
      effectiveAt: new Date(),
      by: 'system',
      why: `invoice ${number} from the balance`,
      transfers: [{ debit, credit: customerAccount(customerId, 'receivable'), nanos }],
    });
  }

  /** One customer's money is moved by one at a time, so that a balance is not spent twice. Held until the commit. */
  async lock(db: EntityManager, customerId: string): Promise<void> {
    await db.query(`select pg_advisory_xact_lock(hashtext('customer money'), hashtext($1))`, [customerId]);
  }

  /** What earlier invoices left open, oldest first. */
  private async settleOpen(db: EntityManager, customerId: string): Promise<void> {
    const account = customerAccount(customerId, 'receivable');
    const open: { number: string; nanos: string }[] = await db.query(
      `select number, sum(case when debit = $1 then nanos else -nanos end) as nanos
         from (select substring(entry_id from '^(?:invoice|settle):([0-9]+-[0-9]+)') as number, debit, nanos
                 from ledger_transfer where debit = $1 or credit = $1) as owed
        where number is not null group by number
       having sum(case when debit = $1 then nanos else -nanos end) > 0 order by number`,
      [account],
    );
    for (const { number, nanos } of open) await this.settle(db, customerId, number, BigInt(nanos));
  }

  /** `settle:<number>`, then `…:r2`: an invoice may be paid in parts. */
  private async freeId(db: EntityManager, number: string): Promise<string> {
    const [row]: { count: number }[] = await db.query(
      `select count(*)::int as count from ledger_entry where id = $1 or id like $2`,
      [`settle:${number}`, `settle:${number}:r%`],
    );
    const before = row?.count ?? 0;
    return before === 0 ? `settle:${number}` : `settle:${number}:r${before + 1}`;
  }
}

/** As two people read it: width, case and spaces tell no two payments apart (Unicode NFKC). */
function folded(reference: string): string {
  return reference.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
}

function usedReference(cause: Problem): Problem {
  const message = 'cannot top up: that reference was booked before, with another amount or for another customer';
  return new Problem('conflict', message, { cause, kind: 'reference-used' });
}

/** More than all the money there is, and still far from where a sum of such amounts would not fit its column. */
const most = 10n ** 27n;

function mustBeMoney(nanos: bigint): void {
  if (nanos <= 0n || nanos > most) throw new Problem('invalid', 'cannot top up by that amount: name what arrived');
}

/** It is read by people in lists and on terminals, and compared by eye with a bank's statement. */
function mustBeReference(reference: string): void {
  if (/\p{C}/u.test(reference)) {
    const why = 'cannot use this reference: it holds control or invisible characters; type it anew';
    throw new InvalidFields(why, { reference: why }, 'invalid', { kind: 'unreadable' });
  }
}
