import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { smallestPerPricedUnit, type Measure } from '../pricing/measure.js';
import { germanVat } from '../pricing/vat.js';
import { InvoiceDocument, type Line } from './document.js';
import { drawPdf } from './pdf.js';
import { plain } from './plain.js';
import { sheetOf } from './sheet.js';
import { totalsOf, transfersOf } from './totals.js';
import { digitsFor } from './words.js';

function line(part: Partial<Line> = {}): Line {
  const measure: Measure = part.measure ?? 'run';
  return {
    lease: 'l1',
    name: 'shop',
    app: 'django 4.2',
    size: 'small',
    measure,
    correction: false,
    from: '2026-10-01T08:00:00.000Z',
    to: '2026-10-31T20:15:07.250Z',
    quantity: 1_234_567_250n,
    price: { nanos: 2_190_000_000n, per: smallestPerPricedUnit[measure] },
    nanos: 1_028_806_042n,
    ...part,
  };
}

function document(part: Partial<InvoiceDocument> = {}): InvoiceDocument {
  const lines = part.lines ?? [line()];
  const vat = part.vat ?? germanVat;
  return {
    number: '2026-000042',
    locale: 'en',
    currency: 'EUR',
    timeZone: 'Europe/Berlin',
    issuedAt: '2026-11-01T00:30:00.000Z',
    period: { from: '2026-09-30T22:00:00.000Z', to: '2026-10-31T23:00:00.000Z' },
    seller: { name: 'Hafen GmbH', street: 'Kai 1', postcode: '20457', city: 'Hamburg', country: 'DE' },
    customer: { id: 'c1', name: 'Ann Example', email: 'ann@example.com' },
    vat,
    lines,
    totals: totalsOf(lines, vat),
    paid: 0n,
    ...part,
  };
}

describe('the sums of an invoice', () => {
  it('round the net to cents once and tax the rounded net', () => {
    expect(totalsOf([{ nanos: 1_028_806_042n }], germanVat)).toEqual({
      exact: 1_028_806_042n,
      carried: 0n,
      rounding: 1_193_958n,
      net: 1_030_000_000n,
      vat: 200_000_000n,
      gross: 1_230_000_000n,
    });
  });

  it('book as many nanos off unbilled as were used, whichever way the rounding goes', () => {
    for (const nanos of [1n, 4_999_999n, 5_000_001n, 10_000_000n, 10n ** 25n + 3n]) {
      const totals = totalsOf([{ nanos }], germanVat);
      const moved = transfersOf('ann', totals, germanVat);
      const receivable = moved.reduce(
        (sum, { debit, credit, nanos: n }) =>
          sum + (debit === 'customer:ann:receivable' ? n : 0n) - (credit === 'customer:ann:receivable' ? n : 0n),
        0n,
      );
      expect(receivable).toBe(totals.gross);
      expect(moved[0]).toMatchObject({ credit: 'customer:ann:unbilled', nanos });
    }
  });

  it('carry on what rounding left, so that many small invoices cost what one costs', () => {
    const uses = [3_000_000n, 3_000_000n, 3_000_000n, 1_000_000n, 14_999_999n];
    let carried = 0n;
    const nets = uses.map((nanos) => {
      const totals = totalsOf([{ nanos }], germanVat, carried);
      carried -= totals.rounding - 0n;
      return totals.net;
    });
    expect(nets).toEqual([0n, 10_000_000n, 0n, 0n, 10_000_000n]);
  });

  it('have no tax for a small business', () => {
    expect(totalsOf([{ nanos: 10_000_000n }], { mode: 'small-business' })).toMatchObject({
      vat: 0n,
      gross: 10_000_000n,
    });
  });
});

describe('the sheet', () => {
  it("writes amounts, quantities and dates in the customer's language", () => {
    const [english] = sheetOf(document()).rows;
    const [german] = sheetOf(document({ locale: 'de' })).rows;
    expect(english).toMatchObject({ quantity: '1,234,567.25\u00a0s', price: '€2.19', amount: '€1.028806042' });
    expect(german).toMatchObject({
      quantity: '1.234.567,25\u00a0s',
      price: '2,19\u00a0€',
      amount: '1,028806042\u00a0€',
    });
    expect(german?.details).toContain('01.10.2026, 10:00:00 bis 31.10.2026, 21:15:07');
  });

  it('shows what was paid, what is left and where to send it', () => {
    const seller = { ...document().seller, iban: 'DE02120300000000202051' };
    const open = sheetOf(document({ paid: 1_000_000_000n, seller }));
    expect(open.totals.map(({ label, amount }) => [label, amount]).slice(-3)).toEqual([
      ['Total', '€1.23'],
      ['Paid from your balance', '-€1.00'],
      ['Left to pay', '€0.23'],
    ]);
    expect(open.notes[0]).toBe('Please transfer €0.23 to DE02120300000000202051 and name 2026-000042.');
    expect(sheetOf(document({ paid: 1_230_000_000n })).notes[0]).toMatch(/^Nothing is left to pay/);
  });

  it('says why a small business charges no VAT', () => {
    const sheet = sheetOf(document({ vat: { mode: 'small-business' } }));
    expect(sheet.notes[0]).toContain('§ 19 UStG');
    expect(sheet.totals.map(({ label }) => label)).not.toContain('VAT 19 % (DE)');
  });

  it('prints what a person typed without control, direction or invisible characters', () => {
    const nasty = 'a\u0000\u001b[31m\u202egnp\u2066\u200b\u00ad\ud800\r\nb\t c';
    expect(plain(nasty)).toBe('a[31mgnp b c');
    const { address } = sheetOf(document({ customer: { id: 'c', name: nasty, email: nasty } }));
    expect(address).toEqual(['a[31mgnp b c', 'a[31mgnp b c']);
    expect(plain('x'.repeat(1_000))).toHaveLength(200);
  });

  it('shows every amount of a column with the digits that the finest of them needs', () => {
    expect(digitsFor([10_000_000n])).toBe(2);
    expect(digitsFor([1_500_000n, 10_000_000n])).toBe(4);
    expect(digitsFor([1n])).toBe(9);
    expect(digitsFor([0n])).toBe(2);
    expect(digitsFor([-1_028_806_042n])).toBe(9);
  });
});

describe('the frozen document', () => {
  it('comes back from its JSON as it was, to the last nano', () => {
    const huge = document({ lines: [line({ nanos: 10n ** 30n + 1n, quantity: 2n ** 90n })] });
    expect(InvoiceDocument.parse(JSON.parse(JSON.stringify(z.encode(InvoiceDocument, huge))))).toEqual(huge);
  });
});

describe('the PDF', () => {
  const draw = (one: InvoiceDocument) => drawPdf(sheetOf(one), new Date(one.issuedAt));
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

  it('is the same bytes whenever it is drawn', async () => {
    expect(hash(await draw(document()))).toBe(hash(await draw(document())));
    expect(hash(await draw(document()))).not.toBe(hash(await draw(document({ locale: 'de' }))));
  });

  it('goes on over as many pages as its lines need', async () => {
    const pages = async (count: number) =>
      (await draw(document({ lines: Array.from({ length: count }, () => line()) })))
        .toString('latin1')
        .match(/\/Type \/Page\b/g)?.length;
    expect(await pages(1)).toBe(1);
    expect(await pages(80)).toBeGreaterThan(5);
  });
});
