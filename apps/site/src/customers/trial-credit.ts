import type { EntityManager } from 'typeorm';

/** What a new customer is given. Customers do not keep books: whoever does provides this. */
export abstract class TrialCredit {
  /** Inside the transaction that makes the customer. */
  abstract grant(db: EntityManager, customerId: string): Promise<void>;
}
