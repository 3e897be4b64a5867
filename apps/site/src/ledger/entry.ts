import { createHash } from 'node:crypto';
import { Problem } from '@berth/problem';
import type { Account } from './account.js';

/** Money only moves: a transfer names both its ends, so no entry can be off balance. */
export type Transfer = Readonly<{ debit: Account; credit: Account; nanos: bigint }>;

export type Entry = Readonly<{
  /** Made from what it is about (`usage:<lease>:<hour>`), so that posting it twice is posting it once. */
  id: string;
  /** When it happened; the database adds when it was recorded. */
  effectiveAt: Date;
  /** Who authorised it: `system`, or a customer's id. */
  by: string;
  why: string;
  transfers: readonly Transfer[];
  /** The entry that this one takes back. */
  reverses?: string;
}>;

/** Those of the amounts that move anything, each pointing the way of its sign. */
export function moves(amounts: readonly Transfer[]): Transfer[] {
  return amounts.flatMap(({ debit, credit, nanos }) => {
    if (nanos === 0n) return [];
    return nanos > 0n ? { debit, credit, nanos } : { debit: credit, credit: debit, nanos: -nanos };
  });
}

/** @throws Problem `invalid`: the database would refuse it too, in words for nobody. */
export function mustMove({ id, transfers }: Entry): void {
  if (transfers.length === 0 || transfers.some(({ debit, credit, nanos }) => nanos <= 0n || debit === credit)) {
    throw new Problem('invalid', `cannot post ${id}: every transfer must move something from one account to another`);
  }
}

/**
 * What makes two postings the same: the money, its ends and what is taken back. When, by whom and why are the first
 * one's, because a retry comes later and may come from somebody else.
 */
export function bodyOf(entry: Pick<Entry, 'transfers' | 'reverses'>, currency: string): Buffer {
  const transfers = entry.transfers.map(({ debit, credit, nanos }) => [debit, credit, nanos.toString()]);
  return createHash('sha256')
    .update(JSON.stringify([currency, entry.reverses ?? null, transfers]))
    .digest();
}
