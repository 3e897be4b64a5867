import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatNanos, nanosPerCent, roundHalfEven, toCents } from './index.js';

describe('roundHalfEven', () => {
  it.each([
    [5n, 10n, 0n],
    [15n, 10n, 2n],
    [25n, 10n, 2n],
    [-5n, 10n, 0n],
    [-15n, 10n, -2n],
    [-25n, 10n, -2n],
    [26n, 10n, 3n],
    [24n, 10n, 2n],
    [-26n, 10n, -3n],
  ])('takes %s/%s to %s', (numerator, denominator, whole) => {
    expect(roundHalfEven(numerator, denominator)).toBe(whole);
  });

  it('is never further than half a step from the exact value, far beyond 2^53 too', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.bigInt(1n, 10n ** 30n), (numerator, denominator) => {
        const twiceOff = 2n * (roundHalfEven(numerator, denominator) * denominator - numerator);
        expect(twiceOff <= denominator && twiceOff >= -denominator).toBe(true);
      }),
    );
  });

  it('mirrors around zero, so that a correction of an amount is the amount turned round', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.bigInt(1n, 10n ** 30n), (numerator, denominator) => {
        expect(roundHalfEven(-numerator, denominator)).toBe(-roundHalfEven(numerator, denominator));
      }),
    );
  });

  it('refuses to divide by nothing', () => {
    expect(() => roundHalfEven(1n, 0n)).toThrow(RangeError);
  });
});

describe('toCents', () => {
  it('rounds half to even on whole cents', () => {
    expect(toCents(nanosPerCent / 2n)).toBe(0n);
    expect(toCents((nanosPerCent * 3n) / 2n)).toBe(2n * nanosPerCent);
    expect(toCents(nanosPerCent / 2n + 1n)).toBe(nanosPerCent);
  });
});

describe('formatNanos', () => {
  it("writes an amount in the language's own form", () => {
    expect(formatNanos(1_234_500_000_000n, 'EUR', 'en')).toBe('€1,234.50');
    expect(formatNanos(1_234_500_000_000n, 'EUR', 'de')).toBe('1.234,50\u00a0€');
    expect(formatNanos(-5_000_000n, 'EUR', 'en', 9)).toBe('-€0.005');
  });

  it('keeps every digit of an amount that no float could hold', () => {
    expect(formatNanos(90_071_992_547_409_931_234_567_891n, 'EUR', 'en', 9)).toBe('€90,071,992,547,409,931.234567891');
  });
});
