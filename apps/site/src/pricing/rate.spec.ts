import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { measures, smallestPerPricedUnit } from './measure.js';
import { amountOf, difference, rate, total, type Use } from './rate.js';
import { demoTariff, Tariff, tariffTag } from './tariff.js';

const demo = Tariff.parse(demoTariff);
const full = Tariff.parse({ ...demoTariff, id: 'full', cpu: '0.01', memory: '0.002', disk: '0.0001', traffic: '0.05' });
const tariffs = new Map([demo, full].map((tariff) => [tariff.id, tariff]));

function use(part: Partial<Use>): Use {
  return { tag: 'demo:small', run: 0n, cpu: 0n, memory: 0n, disk: 0n, traffic: 0n, ...part };
}

describe('rate', () => {
  it('charges time on by size: 2.19 a month is 0.003 an hour', () => {
    const [line, ...more] = rate([use({ run: 3_600_000n, cpu: 10n ** 12n, traffic: 10n ** 12n })], tariffs);
    expect(more).toEqual([]);
    expect(line).toMatchObject({ measure: 'run', quantity: 3_600_000n, nanos: 3_000_000n });
  });

  it('charges every measure that has a price by its own unit', () => {
    const whole = Object.fromEntries(measures.map((measure) => [measure, smallestPerPricedUnit[measure]]));
    const lines = rate([use({ tag: 'full:small', ...whole })], tariffs);
    expect(lines.map(({ measure, nanos }) => [measure, nanos])).toEqual([
      ['run', 2_190_000_000n],
      ['cpu', 10_000_000n],
      ['memory', 2_000_000n],
      ['disk', 100_000n],
      ['traffic', 50_000_000n],
    ]);
  });

  it('keeps the sizes of one hour apart, each at its own price', () => {
    const uses = [use({ run: 1_800_000n }), use({ tag: 'demo:large', run: 1_800_000n })];
    expect(rate(uses, tariffs).map(({ tag, nanos }) => [tag, nanos])).toEqual([
      ['demo:small', 1_500_000n],
      ['demo:large', 6_000_000n],
    ]);
  });

  it('rounds half to even once, on the hour', () => {
    expect(amountOf(1n, { nanos: 1n, per: 2n })).toBe(0n);
    expect(amountOf(3n, { nanos: 1n, per: 2n })).toBe(2n);
    expect(amountOf(5n, { nanos: 1n, per: 2n })).toBe(2n);
  });

  it('is exact for quantities that no float holds', () => {
    const disk = (2n ** 80n + 1n) * smallestPerPricedUnit.disk;
    expect(rate([use({ tag: 'full:small', disk })], tariffs)[0]?.nanos).toBe((2n ** 80n + 1n) * 100_000n);
  });

  it('refuses a tag that nobody offered, rather than charge nothing or something', () => {
    for (const tag of ['', 'demo', 'demo:huge', 'other:small', '__proto__:small']) {
      expect(() => rate([use({ tag, run: 1n })], tariffs)).toThrow(/^cannot rate the tag/);
    }
  });
});

describe('difference', () => {
  const price = { nanos: 2_190_000_000n, per: smallestPerPricedUnit.run };

  it('posts, however the hour is cut into postings, what one posting of it all would have been', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 400_000n), { minLength: 1, maxLength: 12 }), (pieces) => {
        const posted: ReturnType<typeof rate> = [];
        let run = 0n;
        for (const piece of pieces) {
          run += piece;
          posted.push(...difference(rate([use({ run })], tariffs), posted));
        }
        expect(total(posted)).toBe(amountOf(run, price));
        expect(posted.reduce((sum, { quantity }) => sum + quantity, 0n)).toBe(run);
      }),
    );
  });

  it('says nothing twice', () => {
    const rated = rate([use({ run: 1_234n })], tariffs);
    expect(difference(rated, rated)).toEqual([]);
  });
});

describe('Tariff', () => {
  it('takes prices as decimal text and refuses what it cannot hold exactly', () => {
    expect(Tariff.safeParse({ ...demoTariff, cpu: '0.0000000001' }).success).toBe(false);
    expect(Tariff.safeParse({ ...demoTariff, cpu: '1e3' }).success).toBe(false);
    expect(Tariff.safeParse({ ...demoTariff, cpu: '-1' }).success).toBe(false);
  });

  it('is written down as it was read', () => {
    const written = JSON.parse(JSON.stringify(z.encode(Tariff, full)));
    expect(Tariff.parse(written)).toEqual(full);
  });

  it('refuses two sizes of one name, and sizes that con would refuse', () => {
    const [size] = demoTariff.sizes;
    expect(Tariff.safeParse({ ...demoTariff, sizes: [size, size] }).success).toBe(false);
    expect(Tariff.safeParse({ ...demoTariff, sizes: [{ ...size, memoryBytes: 1 }] }).success).toBe(false);
  });

  it('fits its tag into the word that con carries', () => {
    expect(tariffTag(demo, 'small')).toBe('demo:small');
    expect(tariffTag({ id: 'x'.repeat(31) }, 'y'.repeat(31)).length).toBeLessThanOrEqual(64);
  });
});
