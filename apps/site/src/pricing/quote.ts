import { hoursPerMonth } from './measure.js';
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
