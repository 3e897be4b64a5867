import { hoursPerMonth, measures, type Measure } from './measure.js';
import { amountOf } from './rate.js';
import { priceOf, type Tariff, type TariffSize } from './tariff.js';
import { gross, type Vat } from './vat.js';

export type Quote = Readonly<{ hourNanos: bigint; monthNanos: bigint }>;

/** What an hour and a month of time on cost, VAT included: shown before anything is turned on. */
export function quote(tariff: Tariff, size: TariffSize, vat: Vat): Quote {
  const price = priceOf(tariff, size, 'run');
  return {
    hourNanos: gross(amountOf(price.per / hoursPerMonth, price), vat),
    monthNanos: gross(price.nanos, vat),
  };
}

/** What is charged besides time on, for every size alike, VAT included: for a CPU-hour, a GiB-hour, a GiB. */
export function besides(tariff: Tariff, vat: Vat): { measure: Exclude<Measure, 'run'>; nanos: bigint }[] {
  return measures.flatMap((measure) =>
    measure === 'run' || tariff[measure] === 0n ? [] : [{ measure, nanos: gross(tariff[measure], vat) }],
  );
}
