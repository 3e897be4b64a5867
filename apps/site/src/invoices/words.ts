import { de, en, type Catalogue } from '@berth/i18n';
import { formatNanos, roundHalfEven } from '@berth/money';
import type { Locale } from '@berth/site-api';
import { smallestPerPricedUnit, type Measure } from '../pricing/measure.js';
import type { Line } from './document.js';

const catalogues: Readonly<Record<Locale, Catalogue>> = { en, de };
const tags: Readonly<Record<Locale, string>> = { en: 'en-GB', de: 'de-DE' };

type Word = keyof Catalogue['invoice'];
const named = (prefix: 'measure' | 'unit' | 'per', measure: Measure) =>
  `${prefix}${measure[0]?.toUpperCase()}${measure.slice(1)}` as Word;

const hourMs = 3_600_000;

/** The words, numbers, dates and amounts of one language. Nothing here goes through floating point. */
export class Words {
  readonly tag: string;
  private readonly catalogue: Catalogue['invoice'];
  private readonly day: Intl.DateTimeFormat;
  private readonly second: Intl.DateTimeFormat;

  constructor(
    locale: Locale,
    private readonly currency: string,
    private readonly timeZone: string,
  ) {
    this.tag = tags[locale];
    this.catalogue = catalogues[locale].invoice;
    this.day = new Intl.DateTimeFormat(this.tag, { timeZone, dateStyle: 'long' });
    this.second = new Intl.DateTimeFormat(this.tag, { timeZone, dateStyle: 'medium', timeStyle: 'medium' });
  }

  say(word: Word, values: Readonly<Record<string, string | number>> = {}): string {
    return this.catalogue[word].replace(/\{\{ (\w+) \}\}/g, (_, name: string) => String(values[name] ?? ''));
  }

  measure(measure: Measure): string {
    return this.say(named('measure', measure));
  }

  /** `3,600.25 s`, `0.5 GiB hours`. */
  quantity({ measure, quantity }: Pick<Line, 'measure' | 'quantity'>): string {
    const { smallest, digits } = shown[measure];
    const scaled = roundHalfEven(quantity * 10n ** BigInt(digits), smallest);
    return `${this.decimal(scaled, digits)}\u00a0${this.say(named('unit', measure))}`;
  }

  /** The price of the unit it is named for, and that unit. */
  price({ measure, price }: Pick<Line, 'measure' | 'price'>): [amount: string, per: string] {
    const nanos = roundHalfEven(price.nanos * smallestPerPricedUnit[measure], price.per);
    return [this.amount(nanos, 9), this.say(named('per', measure))];
  }

  amount(nanos: bigint, mostDigits = 2, leastDigits = 2): string {
    return formatNanos(nanos, this.currency, this.tag, mostDigits, leastDigits);
  }

  date(instant: string): string {
    return this.day.format(new Date(instant));
  }

  /** In the night when clocks are set back an hour comes twice: then it says which. */
  moment(instant: string): string {
    const text = this.second.format(new Date(instant));
    const isTwice = [-hourMs, hourMs].some((away) => this.second.format(Date.parse(instant) + away) === text);
    return isTwice ? `${text} ${this.zone(instant)}` : text;
  }

  private zone(instant: string): string {
    const format = new Intl.DateTimeFormat(this.tag, { timeZone: this.timeZone, timeZoneName: 'short' });
    return format.formatToParts(new Date(instant)).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  }

  private decimal(scaled: bigint, digits: number): string {
    const text = scaled.toString().padStart(digits + 1, '0');
    const exact = `${text.slice(0, text.length - digits)}.${text.slice(text.length - digits)}`;
    return new Intl.NumberFormat(this.tag, { maximumFractionDigits: digits }).format(exact as unknown as number);
  }
}

/** The unit a quantity is printed in, in smallest units, and how finely. */
const shown: Readonly<Record<Measure, { smallest: bigint; digits: number }>> = {
  run: { smallest: 1_000n, digits: 3 },
  cpu: { smallest: 1_000_000_000n, digits: 9 },
  memory: { smallest: smallestPerPricedUnit.memory, digits: 6 },
  disk: { smallest: smallestPerPricedUnit.disk, digits: 6 },
  traffic: { smallest: smallestPerPricedUnit.traffic, digits: 6 },
};

/** How many digits after the point show every one of these amounts exactly; two at least. */
export function digitsFor(amounts: readonly bigint[]): number {
  const needed = amounts.map((nanos) => 9 - (/0*$/.exec(nanos.toString().padStart(10, '0'))?.[0].length ?? 0));
  return Math.min(9, Math.max(2, ...needed));
}
