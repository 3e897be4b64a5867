import { measures, type Measure } from '../pricing/measure.js';
import type { RatedLine, Use } from '../pricing/rate.js';

/** One lease in one UTC hour: what is rated and posted as a whole. */
export type LeaseHour = Readonly<{ leaseId: string; hour: Date }>;

/** `usage:<lease>:2026-10-25T01Z`; what comes later is `…:r2`, `…:r3`. */
export function entryIdOf({ leaseId, hour }: LeaseHour, revision: number): string {
  const id = `usage:${leaseId}:${hour.toISOString().slice(0, 13)}Z`;
  return revision === 1 ? id : `${id}:r${revision}`;
}

export type SumRow = Readonly<{
  lease_id: string;
  hour: Date;
  tariff_tag: string;
  run_ms: string;
  cpu_nanos: string;
  memory_byte_seconds: string;
  disk_byte_seconds: string;
  bytes_in: string;
  bytes_out: string;
}>;

export function useOf(row: SumRow): Use {
  return {
    tag: row.tariff_tag,
    run: BigInt(row.run_ms),
    cpu: BigInt(row.cpu_nanos),
    memory: BigInt(row.memory_byte_seconds),
    disk: BigInt(row.disk_byte_seconds),
    traffic: BigInt(row.bytes_in) + BigInt(row.bytes_out),
  };
}

export type LineRow = Readonly<{
  lease_id: string;
  hour: Date;
  tariff_tag: string;
  measure: string;
  quantity: string;
  price_nanos: string;
  price_per: string;
  nanos: string;
}>;

export function lineOf(row: LineRow): RatedLine {
  return {
    tag: row.tariff_tag,
    measure: measureOf(row.measure),
    quantity: BigInt(row.quantity),
    price: { nanos: BigInt(row.price_nanos), per: BigInt(row.price_per) },
    nanos: BigInt(row.nanos),
  };
}

export function measureOf(word: string): Measure {
  const measure = measures.find((one) => one === word);
  if (!measure) throw new RangeError(`cannot read the measure ${word}`);
  return measure;
}
