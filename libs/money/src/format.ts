import { type Nanos, nanosPerUnit } from './nanos.js';

/**
 * An amount for a person, in the language's own form ("€0.50", "0,50 €"). Never goes through floating point: the digits
 * are handed to Intl as a decimal string (ECMA-402, NumberFormat v3).
 * @param fractionDigits at most 9; trailing zeros beyond two are dropped, so small prices show what they are.
 * @param leastDigits are always shown, so that a column of amounts stands straight.
 */
export function formatNanos(
  amount: Nanos,
  currency: string,
  locale: string,
  fractionDigits = 2,
  leastDigits = Math.min(2, fractionDigits),
): string {
  const form = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: leastDigits,
    maximumFractionDigits: fractionDigits,
    roundingMode: 'halfEven',
  } as Intl.NumberFormatOptions);
  return form.format(decimalText(amount) as unknown as number);
}

/** Exact digits, a point before the last nine: `-0.000000001`. */
function decimalText(amount: Nanos): string {
  const sign = amount < 0n ? '-' : '';
  const size = amount < 0n ? -amount : amount;
  const fraction = (size % nanosPerUnit).toString().padStart(9, '0');
  return `${sign}${size / nanosPerUnit}.${fraction}`;
}
