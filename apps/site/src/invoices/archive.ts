import { Injectable } from '@nestjs/common';
import type { Invoice, InvoiceSummary } from '@berth/site-api';
import { DataSource } from 'typeorm';
import { InvoiceDocument, type Line } from './document.js';
import { Words } from './words.js';

type Row = Readonly<{
  number: string;
  issuedAt: Date;
  periodFrom: Date;
  periodTo: Date;
  gross: string;
  currency: string;
  customerId: string;
  email: string;
  timeZone: string;
}>;

const columns = `number, issued_at as "issuedAt", period_from as "periodFrom", period_to as "periodTo",
  gross_nanos as gross, currency, customer_id as "customerId", document::jsonb -> 'customer' ->> 'email' as email,
  document::jsonb ->> 'timeZone' as "timeZone"`;

/** Invoices as they were issued. Whose they are is asked for in every query but the admin's. */
@Injectable()
export class Archive {
  constructor(private readonly db: DataSource) {}

  /** Newest first; of one customer, or of all. */
  async list(customerId?: string): Promise<InvoiceSummary[]> {
    const rows: Row[] = await this.db.query(
      `select ${columns} from invoice where $1::text is null or customer_id = $1 order by issued_at desc, number desc`,
      [customerId ?? null],
    );
    return rows.map(summaryOf);
  }

  /** `undefined` where there is none, or it is somebody else's. */
  async get(number: string, customerId?: string): Promise<Invoice | undefined> {
    const [row]: (Row & { document: string })[] = await this.db.query(
      `select ${columns}, document from invoice where number = $1 and ($2::text is null or customer_id = $2)`,
      [number, customerId ?? null],
    );
    if (!row) return undefined;
    const document = InvoiceDocument.parse(JSON.parse(row.document));
    const { net, vat, rounding } = document.totals;
    const words = new Words(document.locale, document.currency, document.timeZone);
    const lines = document.lines.map((line) => shown(line, words));
    return { ...summaryOf(row), netNanos: net, vatNanos: vat, roundingNanos: rounding, lines };
  }

  async pdf(number: string, customerId?: string): Promise<Buffer | undefined> {
    const [row]: { pdf: Buffer }[] = await this.db.query(
      'select pdf from invoice where number = $1 and ($2::text is null or customer_id = $2)',
      [number, customerId ?? null],
    );
    return row?.pdf;
  }
}

function summaryOf(row: Row): InvoiceSummary {
  return {
    number: row.number,
    issuedAt: row.issuedAt.toISOString(),
    periodFrom: row.periodFrom.toISOString(),
    periodTo: row.periodTo.toISOString(),
    timeZone: row.timeZone,
    grossNanos: BigInt(row.gross),
    currency: row.currency,
    customer: { id: row.customerId, email: row.email },
  };
}

function shown(line: Line, words: Words): Invoice['lines'][number] {
  const { lease, name, app, size, measure, from, to, quantity, price, nanos } = line;
  const text = `${words.say('line', { name, measure: words.measure(measure) })} (${words.say('lineDetail', { app, size })})`;
  return { text, lease, measure, from, to, quantity, priceNanos: price.nanos, pricePer: price.per, nanos };
}
