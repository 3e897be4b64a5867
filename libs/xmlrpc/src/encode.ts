import { shown } from './scalars.js';
import { defaultBounds, Unsendable, type Struct, type Value } from './values.js';

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

/** A call with its parameters. @throws Unsendable */
export function encodeCall(method: string, params: readonly Value[]): string {
  const list = params.map((value) => `<param>${encodeValue(value, 0)}</param>`).join('');
  return `${declaration}<methodCall><methodName>${escaped(method)}</methodName><params>${list}</params></methodCall>`;
}

/** The answer to a call. @throws Unsendable */
export function encodeResult(value: Value): string {
  return `${declaration}<methodResponse><params><param>${encodeValue(value, 0)}</param></params></methodResponse>`;
}

/** The other answer to a call. @throws Unsendable where the code exceeds 32 bits. */
export function encodeFault(fault: { faultCode: number; faultString: string }): string {
  const { faultCode, faultString } = fault;
  return `${declaration}<methodResponse><fault>${encodeValue({ faultCode, faultString }, 0)}</fault></methodResponse>`;
}

function encodeValue(value: Value | undefined, depth: number): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'number':
      return `<value>${encodeNumber(value)}</value>`;
    case 'boolean':
      return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
    case 'object':
      if (value !== null) return `<value>${encodeObject(value, depth)}</value>`;
      throw new Unsendable('null has no type here; leave the member out');
    case 'bigint':
      throw new Unsendable('a bigint has no type here; send it as a decimal string');
    case 'undefined':
    case 'function':
    case 'symbol':
      throw new Unsendable(`${typeof value} has no type here`);
  }
}

/**
 * "If no type is indicated, the type is string" (the specification): a fifth of an answer's tags less to read. What is
 * blank keeps its tag, because readers differ over white space between tags.
 */
function encodeString(value: string): string {
  return /\S/.test(value) ? `<value>${escaped(value)}</value>` : `<value><string>${escaped(value)}</string></value>`;
}

function encodeNumber(value: number): string {
  if (Number.isInteger(value)) {
    if (value === (value | 0)) return `<int>${value | 0}</int>`; // | 0 turns -0 into 0
    throw new Unsendable(`${value} exceeds 32 bits; send it as a decimal string`);
  }
  if (!Number.isFinite(value)) throw new Unsendable(`${value} is not a number that XML-RPC has`);
  return `<double>${withoutExponent(value)}</double>`;
}

/** The specification knows no exponents. What is not whole and has one is small: 1.5e-7 is 0.00000015. */
function withoutExponent(value: number): string {
  const match = /^(-?)(\d)\.?(\d*)e-(\d+)$/.exec(String(value));
  if (!match) return String(value);
  const [, sign, first, rest, zeros] = match;
  return `${sign}0.${'0'.repeat(Number(zeros) - 1)}${first}${rest}`;
}

function encodeObject(value: Exclude<Value, string | number | boolean>, depth: number): string {
  if (isPlain(value)) return encodeStruct(value, deeper(depth));
  if (isArray(value)) return encodeArray(value, deeper(depth));
  if (value instanceof Date) return `<dateTime.iso8601>${encodeDate(value)}</dateTime.iso8601>`;
  if (value instanceof Uint8Array) return `<base64>${Buffer.from(value).toString('base64')}</base64>`;
  throw new Unsendable('only plain objects can be structs');
}

function deeper(depth: number): number {
  if (depth >= defaultBounds.depth) throw new Unsendable(`values are nested deeper than ${defaultBounds.depth}`);
  return depth + 1;
}

function isPlain(value: Exclude<Value, string | number | boolean>): value is Struct {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `Array.isArray` knows no readonly arrays. */
function isArray(value: Exclude<Value, string | number | boolean>): value is readonly Value[] {
  return Array.isArray(value);
}

function encodeArray(items: readonly Value[], depth: number): string {
  let xml = '<array><data>';
  for (const item of items) xml += encodeValue(item, depth);
  return `${xml}</data></array>`;
}

/** What is undefined is left out. */
function encodeStruct(struct: Struct, depth: number): string {
  let xml = '<struct>';
  for (const name of Object.keys(struct)) {
    const value = struct[name];
    if (value !== undefined) xml += `<member><name>${escaped(name)}</name>${encodeValue(value, depth)}</member>`;
  }
  return `${xml}</struct>`;
}

/** Seconds are the finest the specification has; what is below them is cut off. */
function encodeDate(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new Unsendable('the date is invalid');
  const iso = date.toISOString();
  if (iso.length !== 24) throw new Unsendable(`the year of ${shown(iso)} has not four digits`);
  return iso.slice(0, 19).replaceAll('-', '');
}

/** Characters that XML 1.0 cannot hold (§2.2), lone surrogates among them: the u flag sees pairs as one. */
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/gu;
/** Whatever may have to be replaced; without the u flag, because that is what most strings are held against. */
const special = /[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/;
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

/**
 * Forbidden characters become U+FFFD, so that whatever a log or a name holds, an answer is never malformed. A bare
 * carriage return would reach the other side as a newline (XML 1.0 §2.11).
 */
function escaped(text: string): string {
  if (!special.test(text)) return text;
  return text.replace(forbidden, '\ufffd').replace(/[&<>\r]/g, (c) => escapes[c] ?? c);
}
