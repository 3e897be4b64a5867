import { Customers1795300000000 } from './migrations/1795300000000-customers.js';
import { Ledger1795384800100 } from './migrations/1795384800100-ledger.js';
import { Usage1795384800200 } from './migrations/1795384800200-usage.js';
import { Invoices1795384800300 } from './migrations/1795384800300-invoices.js';
import { Doubts1795384800400 } from './migrations/1795384800400-doubts.js';
import { TightGuards1795384800500 } from './migrations/1795384800500-tight-guards.js';
import { AuditSeals1795384800600 } from './migrations/1795384800600-audit-seals.js';
import { ClosedPostings1795384800700 } from './migrations/1795384800700-closed-postings.js';

/** In the order in which they are applied; a merged one never changes. */
export const migrations = [
  Customers1795300000000,
  Ledger1795384800100,
  Usage1795384800200,
  Invoices1795384800300,
  Doubts1795384800400,
  TightGuards1795384800500,
  AuditSeals1795384800600,
  ClosedPostings1795384800700,
] as const;
