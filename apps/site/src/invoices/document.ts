import { decimal, instant, Locale } from '@berth/site-api';
import { z } from 'zod';
import { measures } from '../pricing/measure.js';
import { Vat } from '../pricing/vat.js';

const Party = z.object({
  name: z.string(),
  street: z.string(),
  postcode: z.string(),
  city: z.string(),
  country: z.string(),
});

export const Line = z.object({
  lease: z.string(),
  /** What the customer called it, the app and the size, as they were. */
  name: z.string(),
  app: z.string(),
  size: z.string(),
  measure: z.enum(measures),
  /** The later part of an hour of which an earlier part stands on another invoice. */
  correction: z.boolean(),
  from: instant,
  to: instant,
  /** In the measure's smallest unit: milliseconds on, for `run`. */
  quantity: decimal,
  price: z.object({ nanos: decimal, per: decimal }),
  nanos: decimal,
});

/** Everything that is printed: frozen as JSON beside its PDF. Nothing on it is ever read from today's rows. */
export const InvoiceDocument = z.object({
  number: z.string(),
  locale: Locale,
  currency: z.string(),
  timeZone: z.string(),
  issuedAt: instant,
  period: z.object({ from: instant, to: instant }),
  seller: Party.extend({
    email: z.string().optional(),
    vatId: z.string().optional(),
    taxNumber: z.string().optional(),
    iban: z.string().optional(),
  }),
  customer: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  vat: Vat,
  lines: z.array(Line),
  totals: z.object({
    /** The lines, to the nano. */
    exact: decimal,
    /** What the rounding of earlier invoices left, either way. */
    carried: decimal.optional(),
    /** What makes whole cents of it, what was carried included. */
    rounding: decimal,
    net: decimal,
    vat: decimal,
    gross: decimal,
  }),
  /** Taken from the balance when it was issued. */
  paid: decimal,
});

export type InvoiceDocument = z.output<typeof InvoiceDocument>;
export type Line = z.output<typeof Line>;
export type Totals = InvoiceDocument['totals'];
export type Seller = InvoiceDocument['seller'];
