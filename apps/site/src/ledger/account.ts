import { Problem } from '@berth/problem';

/** What a customer's part of the books holds: what we owe them, what they used, what they owe us. */
export type CustomerBook = 'balance' | 'unbilled' | 'receivable';

/** The whole chart. The database has the same list in a check. */
export type Account =
  | 'bank'
  | 'revenue:usage'
  | 'rounding'
  | 'trial'
  | 'fees'
  | 'writeoff'
  | `vat:${string}:${number}`
  | `customer:${string}:${CustomerBook}`;

/** @throws Problem `invalid` for an id that would read as another account. */
export function customerAccount(customerId: string, book: CustomerBook): Account {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(customerId)) {
    throw new Problem('invalid', `cannot keep books for ${JSON.stringify(customerId)}: that is no customer's id`);
  }
  return `customer:${customerId}:${book}`;
}
