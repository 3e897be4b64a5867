import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { InvoiceDocument } from './document.js';
import { drawPdf } from './pdf.js';
import { sheetOf } from './sheet.js';

/** An invoice as it is frozen: what was computed, the same as JSON, and the bytes it was printed as. */
export type Printed = Readonly<{ document: InvoiceDocument; json: string; pdf: Buffer }>;

export async function print(document: InvoiceDocument): Promise<Printed> {
  const pdf = await drawPdf(sheetOf(document), new Date(document.issuedAt));
  return { document, json: JSON.stringify(z.encode(InvoiceDocument, document)), pdf };
}

/** Stands in the books, and so under their seals: a document replaced together with its own hash does not fit it. */
export function proofOf({ pdf, json }: Pick<Printed, 'pdf' | 'json'>): string {
  return `PDF sha256 ${sha256(pdf).toString('hex')}, data sha256 ${sha256(json).toString('hex')}`;
}

export async function keep(
  db: EntityManager,
  { document, json, pdf }: Printed,
  { month, key }: Readonly<{ month?: string; key?: string }>,
): Promise<void> {
  const { number, customer, issuedAt, period, currency, totals } = document;
  await db.query(
    `insert into invoice (number, customer_id, issued_at, period_from, period_to, month, request_key, currency,
       net_nanos, rounding_nanos, vat_nanos, gross_nanos, document, pdf, sha256)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ...[number, customer.id, issuedAt, period.from, period.to, month ?? null, key ?? null, currency],
      ...[totals.net, totals.rounding, totals.vat, totals.gross].map(String),
      ...[json, pdf, sha256(pdf)],
    ],
  );
}

function sha256(bytes: Buffer | string): Buffer {
  return createHash('sha256').update(bytes).digest();
}
