import { dashboard } from './en/dashboard.js';
import { invoice } from './en/invoice.js';
import { refusal } from './en/refusal.js';

/** Every sentence a person reads, by page; German has the same keys or the build fails. `{{ name }}` is filled in. */
export const en = {
  app: { name: 'Berth' },
  ...dashboard,
  invoice,
  refusal,
} as const;

/** The shape that every language must have. */
export type Catalogue = Widen<typeof en>;
type Widen<T> = { [K in keyof T]: T[K] extends string ? string : Widen<T[K]> };
