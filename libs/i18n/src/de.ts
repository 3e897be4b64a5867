import { dashboard } from './de/dashboard.js';
import { invoice } from './de/invoice.js';
import { refusal } from './de/refusal.js';
import type { Catalogue } from './en.js';

export const de: Catalogue = {
  app: { name: 'Berth' },
  ...dashboard,
  invoice,
  refusal,
};
