import { inject, Injectable } from '@angular/core';
import { formatNanos } from '@berth/money';
import type { InvoiceSummary } from '@berth/site-api';
import { Language } from './language.js';

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Numbers, dates, ages and money in the language's own form. */
@Injectable({ providedIn: 'root' })
export class Shown {
  private readonly language = inject(Language);
  private readonly forms = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

  /** @param least digits after the point are always shown, `digits` at most: a column asks for as many as it has. */
  money(nanos: bigint, currency: string, digits = 2, least = 2): string {
    return formatNanos(nanos, currency, this.language.code(), digits, least);
  }

  /** In steps of 1024, with one digit where the number is small. */
  bytes(bytes: bigint): string {
    let step = 0;
    let size = Number(bytes);
    while (size >= 1000 && step < units.length - 1) {
      size /= 1024;
      step += 1;
    }
    const maximumFractionDigits = size < 10 && step > 1 ? 1 : 0;
    return this.number({ style: 'unit', unit: units[step]!, unitDisplay: 'short', maximumFractionDigits }).format(size);
  }

  /** Thousandths of a core as a share of one core. */
  cpu(millis: number): string {
    return this.number({ style: 'percent', maximumFractionDigits: millis < 100 ? 1 : 0 }).format(millis / 1000);
  }

  cores(millis: number): string {
    return this.number({ maximumFractionDigits: 2 }).format(millis / 1000);
  }

  /** "3 min": the largest unit only, because it changes seldom and reads quickly. */
  age(ms: number): string {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const [size, unit] =
      seconds < 60
        ? [seconds, 'second']
        : seconds < 3600
          ? [Math.floor(seconds / 60), 'minute']
          : seconds < 86_400
            ? [Math.floor(seconds / 3600), 'hour']
            : [Math.floor(seconds / 86_400), 'day'];
    return this.number({ style: 'unit', unit, unitDisplay: 'short' }).format(size);
  }

  /** How long something took. */
  seconds(ms: number): string {
    const maximumFractionDigits = ms < 10_000 ? 1 : 0;
    return this.number({ style: 'unit', unit: 'second', unitDisplay: 'short', maximumFractionDigits }).format(
      ms / 1000,
    );
  }

  /** @param timeZone whose day it is; the reader's own where absent. */
  date(instant: string, timeZone?: string): string {
    return this.dates({ dateStyle: 'medium', ...(timeZone ? { timeZone } : {}) }).format(new Date(instant));
  }

  /** From the first day to the last one; `to` is exclusive. */
  period({ periodFrom, periodTo, timeZone }: Pick<InvoiceSummary, 'periodFrom' | 'periodTo' | 'timeZone'>): string {
    const last = new Date(Math.max(Date.parse(periodFrom), Date.parse(periodTo) - 1)).toISOString();
    return `${this.date(periodFrom, timeZone)} – ${this.date(last, timeZone)}`;
  }

  dateTime(instant: string): string {
    return this.dates({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));
  }

  time(instant: string): string {
    return this.dates({ timeStyle: 'short' }).format(new Date(instant));
  }

  private number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    return this.form(options, (locale) => new Intl.NumberFormat(locale, options));
  }

  private dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    return this.form(options, (locale) => new Intl.DateTimeFormat(locale, options));
  }

  /** Making a form is slow, and a thousand rows need the same few. */
  private form<T extends Intl.NumberFormat | Intl.DateTimeFormat>(options: object, make: (locale: string) => T): T {
    const locale = this.language.locale();
    const name = locale + JSON.stringify(options);
    const known = this.forms.get(name) as T | undefined;
    if (known) return known;
    const made = make(locale);
    this.forms.set(name, made);
    return made;
  }
}
