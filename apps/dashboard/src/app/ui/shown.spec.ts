import { TestBed } from '@angular/core/testing';
import { describe, expect, it } from 'vitest';
import { Language } from './language.js';
import { Shown } from './shown.js';

describe('Dates of an invoice', () => {
  it('are those of its PDF wherever it is read, and a period ends with its last day', () => {
    TestBed.configureTestingModule({
      providers: [{ provide: Language, useValue: { locale: () => 'en-GB', code: () => 'en' } }],
    });
    const shown = TestBed.inject(Shown);
    const october = { periodFrom: '2026-09-30T22:00:00.000Z', periodTo: '2026-10-31T23:00:00.000Z' };
    expect(shown.period({ ...october, timeZone: 'Europe/Berlin' })).toBe('1 Oct 2026 – 31 Oct 2026');
    expect(shown.date('2026-10-31T23:30:00.000Z', 'Europe/Berlin')).toBe('1 Nov 2026');
    expect(shown.date('2026-10-31T23:30:00.000Z', 'America/New_York')).toBe('31 Oct 2026');
  });
});
