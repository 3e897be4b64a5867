import { Malformed, type Value } from './values.js';

/** Reads the text of one scalar element. No rounding and no guessing: what is not wholly of its type is refused. */
export type ReadScalar = (text: string) => Value;

/** The specification's four bytes, signed; Python and others accept surrounding white space, this does not. */
export function readInt(text: string): number {
  const number = /^[+-]?\d{1,20}$/.test(text) ? Number(text) : NaN;
  if (number !== (number | 0)) throw new Malformed(`${shown(text)} is not a whole number of 32 bits`);
  return number | 0;
}

export function readBoolean(text: string): boolean {
  if (text === '1') return true;
  if (text === '0') return false;
  throw new Malformed(`${shown(text)} is not a boolean: it must be 0 or 1`);
}

/** Exponents are not in the specification, but Python writes them. */
export function readDouble(text: string): number {
  const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(number)) throw new Malformed(`${shown(text)} is not a double`);
  return number;
}

const moment = /^(\d{4})(-?)(\d{2})\2(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,3})?Z?$/;

/** The specification names no zone: here it is UTC. */
export function readDate(text: string): Date {
  const match = moment.exec(text);
  if (match) {
    const [, year, , month, day, hour, minute, second, fraction = ''] = match;
    const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
    const date = new Date(`${iso}${fraction}Z`);
    if (!Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso)) return date; // 30 February does not
  }
  throw new Malformed(`${shown(text)} is not a dateTime.iso8601`);
}

/** White space may stand anywhere in it: Python breaks lines at 76 letters. */
export function readBase64(text: string): Uint8Array {
  const packed = text.replace(/[ \t\r\n]+/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) throw new Malformed('a base64 is damaged');
  return new Uint8Array(Buffer.from(packed, 'base64'));
}

/** Short and ASCII only, so that it cannot act on a terminal or fill a log. */
export function shown(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return JSON.stringify(short).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
