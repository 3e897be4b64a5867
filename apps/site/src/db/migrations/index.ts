import { Customers1795300000000 } from './1795300000000-customers.js';

/** In the order in which they are applied; a merged one never changes. */
export const migrations = [Customers1795300000000] as const;
