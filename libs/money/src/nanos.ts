/** An amount in 10⁻⁹ of the currency unit. One currency an installation. */
export type Nanos = bigint;

export const nanosPerUnit = 1_000_000_000n;
export const nanosPerCent = 10_000_000n;

/**
 * `numerator / denominator` as a whole number; a tie goes to the even neighbour (IEEE 754 roundTiesToEven), so that
 * many roundings do not drift.
 * @throws RangeError where the denominator is not positive.
 */
export function roundHalfEven(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new RangeError('cannot divide by zero or less');
  const floor = numerator / denominator - (numerator % denominator < 0n ? 1n : 0n);
  const twice = 2n * (numerator - floor * denominator);
  if (twice < denominator) return floor;
  if (twice > denominator) return floor + 1n;
  return floor % 2n === 0n ? floor : floor + 1n;
}

/** The amount rounded half to even to whole cents, in nanos still. */
export function toCents(amount: Nanos): Nanos {
  return roundHalfEven(amount, nanosPerCent) * nanosPerCent;
}
