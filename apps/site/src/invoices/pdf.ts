import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import PDFDocument from 'pdfkit';
import type { Row, Sheet, Total } from './sheet.js';

const fonts = createRequire(import.meta.url);
const regular = fonts.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
const bold = fonts.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');

/** Asked for by their files: under a name of its own, pdfkit parses a font anew each time that it is asked for. */
const fontFiles = { regular, bold } as const;

/** Points of an A4 sheet. The address stands where a window envelope shows it (DIN 5008, form B). */
const left = 62;
const right = 538;
const width = right - left;
const tableBottom = 730;
const footerTop = 758;
const columns = [
  { x: left, width: 196 },
  { x: left + 196, width: 84 },
  { x: left + 280, width: 104 },
  { x: left + 384, width: 92 },
] as const;
const ink = '#16202c';
const grey = '#5b6673';
const hairline = '#c9d0d8';

type Pdf = PDFKit.PDFDocument;

/** Draws the sheet. The same sheet and date are the same bytes, on any machine and any day. */
export async function drawPdf(sheet: Sheet, issuedAt: Date): Promise<Buffer> {
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    font: regular, // in the constructor, or an unembedded Helvetica slips in
    lang: sheet.lang,
    pdfVersion: '1.7',
    displayTitle: true,
    bufferPages: true,
    info: { Title: sheet.heading, Author: sheet.brand, CreationDate: issuedAt, ModDate: issuedAt },
  });
  const bytes = buffer(pdf);
  const y = table(pdf, sheet, head(pdf, sheet));
  closing(pdf, sheet, y);
  footers(pdf, sheet);
  pdf.end();
  return bytes;
}

/** Text in a box of its own; answers where the next line begins. */
function write(
  pdf: Pdf,
  text: string,
  at: { x: number; y: number; width: number },
  look: { size?: number; font?: 'regular' | 'bold'; color?: string; align?: 'left' | 'right' } = {},
): number {
  const { size = 9, font = 'regular', color = ink, align = 'left' } = look;
  const options = { width: at.width, align, lineGap: 1.5 };
  pdf.font(fontFiles[font]).fontSize(size).fillColor(color);
  const height = pdf.heightOfString(text || ' ', options);
  pdf.text(text || ' ', at.x, at.y, options);
  return at.y + height;
}

function rule(pdf: Pdf, y: number, x = left, color = hairline): void {
  pdf.moveTo(x, y).lineTo(right, y).lineWidth(0.6).strokeColor(color).stroke();
}

/** Answers where the table begins: lower where a long name or address needs the room. */
function head(pdf: Pdf, sheet: Sheet): number {
  write(pdf, sheet.brand, { x: left, y: 56, width }, { size: 15, font: 'bold' });
  write(pdf, sheet.sender, { x: left, y: 138, width: 232 }, { size: 6.5, color: grey });
  let y = 156;
  for (const line of sheet.address) y = write(pdf, line, { x: left, y, width: 232 }, { size: 10 });
  const addressed = y;
  y = 138;
  for (const [label, value] of sheet.facts) {
    y = write(pdf, label, { x: 320, y, width: 218 }, { size: 7, color: grey });
    y = write(pdf, value, { x: 320, y, width: 218 }, { size: 8.5 }) + 5;
  }
  const top = Math.max(272, addressed + 24, y + 19);
  write(pdf, sheet.heading, { x: left, y: top, width }, { size: 16, font: 'bold' });
  return write(pdf, sheet.intro, { x: left, y: top + 30, width }) + 15;
}

function table(pdf: Pdf, sheet: Sheet, top: number): number {
  let y = tableHead(pdf, sheet, top);
  for (const row of sheet.rows) {
    if (y + heightOf(pdf, row) > tableBottom) y = tableHead(pdf.addPage(), sheet, 56);
    y = drawRow(pdf, row, y);
  }
  return y;
}

function tableHead(pdf: Pdf, sheet: Sheet, top: number): number {
  const look = { size: 7.5, font: 'bold', color: grey } as const;
  sheet.columns.forEach((title, at) => {
    const column = columns[at];
    if (column) write(pdf, title, { ...column, y: top }, { ...look, align: at === 0 ? 'left' : 'right' });
  });
  rule(pdf, top + 14, left, ink);
  return top + 20;
}

function drawRow(pdf: Pdf, row: Row, top: number): number {
  const [text, quantity, price, amount] = columns;
  let y = write(pdf, row.text, { ...text, y: top });
  for (const detail of row.details) y = write(pdf, detail, { ...text, y }, { size: 7, color: grey });
  write(pdf, row.quantity, { ...quantity, y: top }, { align: 'right' });
  const under = write(pdf, row.price, { ...price, y: top }, { align: 'right' });
  const end = write(pdf, row.per, { ...price, y: under }, { size: 7, color: grey, align: 'right' });
  write(pdf, row.amount, { ...amount, y: top }, { align: 'right' });
  const bottom = Math.max(y, end) + 5;
  rule(pdf, bottom);
  return bottom + 6;
}

function heightOf(pdf: Pdf, row: Row): number {
  const [{ width: textWidth }] = columns;
  const options = { width: textWidth, lineGap: 1.5 };
  const text = pdf.font(regular).fontSize(9).heightOfString(row.text, options);
  pdf.fontSize(7);
  return row.details.reduce((sum, detail) => sum + pdf.heightOfString(detail, options), text) + 11;
}

/** Sums and what is to be done about them stay together on one page. */
function closing(pdf: Pdf, { totals, notes }: Sheet, top: number): void {
  const height = totals.length * 17 + notes.length * 26 + 30;
  let y = top + 6;
  if (y + height > tableBottom + 10) {
    pdf.addPage();
    y = 56;
  }
  for (const total of totals) y = drawTotal(pdf, total, y);
  y += 16;
  for (const note of notes) y = write(pdf, note, { x: left, y, width }) + 4;
}

function drawTotal(pdf: Pdf, { label, amount, strong, rule: ruled }: Total, top: number): number {
  const font = strong ? 'bold' : 'regular';
  if (ruled) rule(pdf, top, left + 240, strong ? ink : hairline);
  const y = top + (ruled ? 4 : 0);
  write(pdf, label, { x: left + 240, y, width: 130 }, { font });
  return write(pdf, amount, { x: left + 370, y, width: 106 }, { font, align: 'right' }) + 4;
}

function footers(pdf: Pdf, sheet: Sheet): void {
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page);
    rule(pdf, footerTop);
    sheet.footer.forEach((lines, at) => {
      let y = footerTop + 7;
      for (const line of lines) y = write(pdf, line, { x: left + at * 165, y, width: 158 }, { size: 7, color: grey });
    });
    const at = { x: left, y: footerTop + 48, width };
    write(pdf, sheet.pageOf(page + 1, count), at, { size: 7, color: grey, align: 'right' });
  }
}
