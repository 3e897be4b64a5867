import { nanosPerUnit } from '@berth/money';
import { mustBeLimits } from '@berth/container';
import { Problem } from '@berth/problem';
import { z } from 'zod';
import { smallestPerPricedUnit, type Measure, type Price } from './measure.js';

const word = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/);

/** An amount of money as people write it, "2.19", at most nine digits after the point; held in nanos. */
const amount = z.codec(z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'not an amount such as "2.19"'), z.bigint(), {
  decode: (text) => {
    const [whole = '0', fraction = ''] = text.split('.');
    return BigInt(whole) * nanosPerUnit + BigInt(fraction.padEnd(9, '0'));
  },
  encode: (nanos) => `${nanos / nanosPerUnit}.${(nanos % nanosPerUnit).toString().padStart(9, '0')}`,
});

const bytes = z.codec(z.union([z.int(), z.string().regex(/^\d{1,20}$/)]), z.bigint(), {
  decode: (value) => BigInt(value),
  encode: (value) => value.toString(),
});

const TariffSize = z
  .strictObject({
    id: word,
    memoryBytes: bytes,
    cpuMillis: z.int(),
    pids: z.int(),
    /** For a month of 730 hours on. */
    run: amount,
  })
  .superRefine((size, context) => {
    try {
      mustBeLimits(size);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });

/**
 * Net prices, without VAT. `run` is charged by size; the other measures for every size alike: `cpu` for a CPU-hour,
 * `memory` and `disk` for a GiB-hour, `traffic` for a GiB.
 * A tariff never changes: other prices are another tariff, with another id.
 */
export const Tariff = z
  .strictObject({
    id: word,
    currency: z.string().regex(/^[A-Z]{3}$/),
    sizes: z.array(TariffSize).min(1),
    cpu: amount,
    memory: amount,
    disk: amount,
    traffic: amount,
  })
  .refine(({ sizes }) => new Set(sizes.map(({ id }) => id)).size === sizes.length, 'each size has an id of its own');

export type Tariff = z.output<typeof Tariff>;
export type TariffSize = Tariff['sizes'][number];

const MiB = 1024 ** 2;

/** As it is written in the configuration. */
export const demoTariff: z.input<typeof Tariff> = {
  id: 'demo',
  currency: 'EUR',
  sizes: [
    { id: 'small', memoryBytes: 256 * MiB, cpuMillis: 500, pids: 256, run: '2.19' },
    { id: 'medium', memoryBytes: 512 * MiB, cpuMillis: 1000, pids: 512, run: '4.38' },
    { id: 'large', memoryBytes: 1024 * MiB, cpuMillis: 2000, pids: 1024, run: '8.76' },
  ],
  cpu: '0',
  memory: '0',
  disk: '0',
  traffic: '0',
};

/** @throws Problem `invalid` where the tariff has no such size. */
export function sizeOf(tariff: Tariff, id: string): TariffSize {
  const size = tariff.sizes.find((one) => one.id === id);
  if (!size) throw new Problem('invalid', `cannot find size ${JSON.stringify(id)}: choose ${names(tariff)}`);
  return size;
}

function names({ sizes }: Tariff): string {
  return sizes.map(({ id }) => id).join(', ');
}

export function priceOf(tariff: Tariff, size: TariffSize, measure: Measure): Price {
  return { nanos: measure === 'run' ? size.run : tariff[measure], per: smallestPerPricedUnit[measure] };
}

/** The word that con carries on every sample without reading it: `demo:small`. */
export function tariffTag(tariff: Pick<Tariff, 'id'>, size: string): string {
  return `${tariff.id}:${size}`;
}

export type Tariffs = ReadonlyMap<string, Tariff>;

/** @throws Problem `internal` where nobody ever offered that: it is not charged, and somebody must look at it. */
export function fromTag(tariffs: Tariffs, tag: string): { tariff: Tariff; size: TariffSize } {
  const found = find(tariffs, tag);
  if (!found) throw new Problem('internal', `cannot rate the tag ${JSON.stringify(tag)}: no tariff has it`);
  return found;
}

/** Every tag that was ever offered. */
export function tagsOf(tariffs: Tariffs): string[] {
  return [...tariffs.values()].flatMap((tariff) => tariff.sizes.map(({ id }) => tariffTag(tariff, id)));
}

export function isOffered(tariffs: Tariffs, tag: string): boolean {
  return find(tariffs, tag) !== undefined;
}

function find(tariffs: Tariffs, tag: string): { tariff: Tariff; size: TariffSize } | undefined {
  const [tariffId = '', sizeId = '', ...more] = tag.split(':');
  const tariff = tariffs.get(tariffId);
  const size = tariff?.sizes.find(({ id }) => id === sizeId);
  return tariff && size && more.length === 0 ? { tariff, size } : undefined;
}
