import type { InvoiceDocument, Line, Seller } from './document.js';
import { plain } from './plain.js';
import { digitsFor, Words } from './words.js';

export type Row = Readonly<{
  text: string;
  details: readonly string[];
  quantity: string;
  price: string;
  per: string;
  amount: string;
}>;
export type Total = Readonly<{ label: string; amount: string; strong?: boolean; rule?: boolean }>;

/** What stands where, in words: what the PDF draws, without a font or a measure. Pure. */
export type Sheet = Readonly<{
  lang: string;
  title: string;
  heading: string;
  sender: string;
  brand: string;
  address: readonly string[];
  facts: readonly (readonly [label: string, value: string])[];
  intro: string;
  columns: readonly [string, string, string, string];
  rows: readonly Row[];
  totals: readonly Total[];
  notes: readonly string[];
  footer: readonly (readonly string[])[];
  pageOf(page: number, pages: number): string;
}>;

export function sheetOf(document: InvoiceDocument): Sheet {
  const { number, seller, customer, period, lines } = document;
  const words = new Words(document.locale, document.currency, document.timeZone);
  const digits = digitsFor(lines.map(({ nanos }) => nanos));
  return {
    lang: words.tag,
    title: words.say('title'),
    heading: `${words.say('title')} ${number}`,
    brand: plain(seller.name),
    sender: senderOf(seller).join(' · '),
    address: [plain(customer.name), plain(customer.email)],
    facts: [
      [words.say('number'), number],
      [words.say('issued'), words.date(document.issuedAt)],
      [words.say('period'), words.say('periodValue', { from: words.moment(period.from), to: words.moment(period.to) })],
      [words.say('customerId'), plain(customer.id)],
    ],
    intro: words.say('intro'),
    columns: [words.say('description'), words.say('quantity'), words.say('price'), words.say('amount')],
    rows: lines.map((line) => rowOf(line, words, digits)),
    totals: totalsOf(document, words),
    notes: notesOf(document, words),
    footer: footerOf(seller, words),
    pageOf: (page, pages) => words.say('page', { number, page, pages }),
  };
}

function rowOf(line: Line, words: Words, digits: number): Row {
  const [price, per] = words.price(line);
  return {
    text: words.say('line', { name: plain(line.name), measure: words.measure(line.measure) }),
    details: [
      words.say('lineDetail', { app: plain(line.app), size: plain(line.size) }),
      words.say('lineDates', { from: words.moment(line.from), to: words.moment(line.to) }),
      ...(line.correction ? [words.say('correction')] : []),
    ],
    quantity: words.quantity(line),
    price,
    per,
    amount: words.amount(line.nanos, digits, digits),
  };
}

function totalsOf({ totals, vat, paid }: InvoiceDocument, words: Words): Total[] {
  const { carried = 0n } = totals;
  const digits = digitsFor([totals.exact, carried]);
  const rounded = totals.rounding !== 0n || carried !== 0n;
  return [
    ...(rounded
      ? [
          { label: words.say('sum'), amount: words.amount(totals.exact, digits, digits) },
          ...(carried === 0n ? [] : [{ label: words.say('carried'), amount: words.amount(carried, digits, digits) }]),
          { label: words.say('rounding'), amount: words.amount(totals.rounding - carried, digits, digits) },
        ]
      : []),
    { label: words.say('net'), amount: words.amount(totals.net), rule: rounded },
    ...(vat.mode === 'rate' ? [{ label: words.say('vat', vat), amount: words.amount(totals.vat) }] : []),
    { label: words.say('total'), amount: words.amount(totals.gross), strong: true, rule: true },
    ...(paid > 0n ? [{ label: words.say('paid'), amount: words.amount(-paid) }] : []),
    { label: words.say('due'), amount: words.amount(totals.gross - paid), strong: true },
  ];
}

function notesOf({ number, totals, paid, vat, seller, timeZone }: InvoiceDocument, words: Words): string[] {
  const due = totals.gross - paid;
  const iban = seller.iban === undefined ? undefined : plain(seller.iban);
  return [
    ...(vat.mode === 'small-business' ? [words.say('smallBusiness')] : []),
    due === 0n
      ? words.say(totals.gross === 0n ? 'nothingToPay' : 'nothingDue')
      : words.say(iban ? 'pleasePayTo' : 'pleasePay', { amount: words.amount(due), number, iban: iban ?? '' }),
    words.say('times', { zone: timeZone }),
  ];
}

function senderOf({ name, street, postcode, city, country }: Seller): string[] {
  return [plain(name), plain(street), `${plain(country)}-${plain(postcode)} ${plain(city)}`];
}

function footerOf(seller: Seller, words: Words): string[][] {
  const { email, vatId, taxNumber, iban } = seller;
  return [
    senderOf(seller),
    [email, iban && `IBAN ${iban}`].filter((text) => text !== undefined).map((text) => plain(text)),
    [
      ...(vatId ? [words.say('vatId', { id: plain(vatId) })] : []),
      ...(taxNumber ? [words.say('taxNumber', { number: plain(taxNumber) })] : []),
    ],
  ];
}
