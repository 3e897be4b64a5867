import { describe, expect, it } from '@jest/globals';
import { besides, quote } from './quote.js';
import { standingOf } from './standing.js';
import { demoTariff, sizeOf, Tariff } from './tariff.js';
import { germanVat, gross, vatOn } from './vat.js';

const demo = Tariff.parse(demoTariff);

describe('quote', () => {
  it('tells a consumer the price with VAT', () => {
    expect(quote(demo, sizeOf(demo, 'small'), germanVat)).toEqual({
      hourNanos: 3_570_000n,
      monthNanos: 2_606_100_000n,
    });
  });

  it('adds none for a small business', () => {
    const small = { mode: 'small-business' } as const;
    expect(quote(demo, sizeOf(demo, 'small'), small)).toEqual({ hourNanos: 3_000_000n, monthNanos: 2_190_000_000n });
  });

  it('names the sizes there are', () => {
    expect(() => sizeOf(demo, 'huge')).toThrow('cannot find size "huge": choose small, medium, large');
  });
});

it('VAT is rounded half to even and never goes through a float', () => {
  expect(vatOn(50n, germanVat)).toBe(10n); // 9.5
  expect(vatOn(150n, germanVat)).toBe(28n); // 28.5
  expect(gross(10n ** 30n, germanVat)).toBe(119n * 10n ** 28n);
});

describe('standing', () => {
  it('lets start whoever has something left, to the last nano', () => {
    expect(standingOf({ balanceNanos: 10n, unbilledNanos: 9n }).mayStart).toBe(true);
    expect(standingOf({ balanceNanos: 10n, unbilledNanos: 10n }).mayStart).toBe(false);
    expect(standingOf({ balanceNanos: 0n, unbilledNanos: 0n }).mayStart).toBe(false);
    expect(standingOf({ balanceNanos: -1n, unbilledNanos: 0n }).mayStart).toBe(false);
  });

  it('tells whatever is charged besides time on, and nothing that is free', () => {
    expect(besides(demo, germanVat)).toEqual([]);
    expect(besides({ ...demo, cpu: 10_000_000n, traffic: 1_000_000_000n }, germanVat)).toEqual([
      { measure: 'cpu', nanos: 11_900_000n },
      { measure: 'traffic', nanos: 1_190_000_000n },
    ]);
  });
});
