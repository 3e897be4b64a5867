import { roundHalfEven } from '@berth/money';
import { z } from 'zod';

/**
 * How VAT is treated. `rate`: that many percent are added to the net. `small-business`: § 19 UStG, none is charged and
 * the invoice says so.
 */
export const Vat = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('rate'), country: z.string().regex(/^[A-Z]{2}$/), percent: z.int().min(0).max(50) }),
  z.strictObject({ mode: z.literal('small-business') }),
]);

export type Vat = z.output<typeof Vat>;

/** German standard rate, § 12 (1) UStG. */
export const germanVat: Vat = { mode: 'rate', country: 'DE', percent: 19 };

/** The tax on a net amount, rounded half to even to whole nanos. */
export function vatOn(net: bigint, vat: Vat): bigint {
  return vat.mode === 'small-business' ? 0n : roundHalfEven(net * BigInt(vat.percent), 100n);
}

/** What a consumer pays in the end: the only price a page may show to one (§ 3 PAngV). */
export function gross(net: bigint, vat: Vat): bigint {
  return net + vatOn(net, vat);
}
