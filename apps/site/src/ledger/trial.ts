import type { EntityManager } from 'typeorm';
import { customerAccount } from './account.js';
import type { Ledger } from './ledger.js';

/** The credit a new customer begins with; once in their life. */
export async function grantTrial(db: EntityManager, ledger: Ledger, customerId: string, nanos: bigint): Promise<void> {
  if (nanos === 0n) return; // an operator may give none
  await ledger.post(db, {
    id: `trial:${customerId}`,
    effectiveAt: new Date(),
    by: 'system',
    why: 'trial credit',
    transfers: [{ debit: 'trial', credit: customerAccount(customerId, 'balance'), nanos }],
  });
}
