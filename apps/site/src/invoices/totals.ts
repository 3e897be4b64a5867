import { toCents } from '@berth/money';
import { customerAccount } from '../ledger/account.js';
import { moves, type Transfer } from '../ledger/entry.js';
import { vatOn, type Vat } from '../pricing/vat.js';
import type { Totals } from './document.js';

/**
 * Net is rounded to cents once, and the tax is that of the rounded net: what is printed can be checked by hand.
 * @param carried what the rounding of the customer's earlier invoices left: nobody gains by many small invoices.
 */
export function totalsOf(lines: readonly { nanos: bigint }[], vat: Vat, carried = 0n): Totals {
  const exact = lines.reduce((sum, { nanos }) => sum + nanos, 0n);
  const net = toCents(exact + carried);
  const tax = toCents(vatOn(net, vat));
  return { exact, carried, rounding: net - exact, net, vat: tax, gross: net + tax };
}

/** What an invoice books: all that was used leaves `unbilled` to the nano, and whole cents are owed. */
export function transfersOf(customerId: string, { exact, rounding, vat: tax }: Totals, vat: Vat): Transfer[] {
  const debit = customerAccount(customerId, 'receivable');
  return moves([
    { debit, credit: customerAccount(customerId, 'unbilled'), nanos: exact },
    { debit, credit: 'rounding', nanos: rounding },
    ...(vat.mode === 'rate' ? [{ debit, credit: `vat:${vat.country}:${vat.percent}` as const, nanos: tax }] : []),
  ]);
}
