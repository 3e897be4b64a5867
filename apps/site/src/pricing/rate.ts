import { roundHalfEven } from '@berth/money';
import { measures, type Measure, type Price, type Quantities } from './measure.js';
import { fromTag, priceOf, type Tariffs } from './tariff.js';

/** What one lease used of one size in one UTC hour. */
export type Use = Readonly<{ tag: string }> & Quantities;

/** What that comes to: `quantity` in the measure's smallest unit, `nanos` net, rounded half to even once. */
export type RatedLine = Readonly<{ tag: string; measure: Measure; quantity: bigint; price: Price; nanos: bigint }>;

/**
 * Prices the use of one lease in one hour: a line for each size and measure that has a price and was used. A size
 * changed within the hour is two uses with two tags. Pure, and the same for what is posted and what is only shown.
 */
export function rate(uses: readonly Use[], tariffs: Tariffs): RatedLine[] {
  return uses.flatMap((use) => {
    const { tariff, size } = fromTag(tariffs, use.tag);
    return measures.flatMap((measure) => {
      const price = priceOf(tariff, size, measure);
      const quantity = use[measure];
      if (price.nanos === 0n || quantity === 0n) return [];
      return { tag: use.tag, measure, quantity, price, nanos: amountOf(quantity, price) };
    });
  });
}

export function amountOf(quantity: bigint, price: Price): bigint {
  return roundHalfEven(quantity * price.nanos, price.per);
}

/**
 * What must still be posted so that all postings of the hour together say `rated`. Nothing posted is ever changed, so
 * what came late is a line of its own; a line that says nothing new is left out.
 */
export function difference(rated: readonly RatedLine[], posted: readonly RatedLine[]): RatedLine[] {
  const before = new Map<string, { quantity: bigint; nanos: bigint }>();
  for (const line of posted) {
    const sum = before.get(keyOf(line)) ?? { quantity: 0n, nanos: 0n };
    before.set(keyOf(line), { quantity: sum.quantity + line.quantity, nanos: sum.nanos + line.nanos });
  }
  return rated
    .map((line) => {
      const { quantity, nanos } = before.get(keyOf(line)) ?? { quantity: 0n, nanos: 0n };
      return { ...line, quantity: line.quantity - quantity, nanos: line.nanos - nanos };
    })
    .filter(({ quantity, nanos }) => quantity !== 0n || nanos !== 0n);
}

function keyOf({ tag, measure }: RatedLine): string {
  return `${tag} ${measure}`;
}

export function total(lines: readonly Pick<RatedLine, 'nanos'>[]): bigint {
  return lines.reduce((sum, { nanos }) => sum + nanos, 0n);
}
