import { SaxesParser } from 'saxes';
import { Reader } from './reader.js';
import { readInt, shown } from './scalars.js';
import { defaultBounds, Malformed, type Bounds, type Value } from './values.js';

export type Call = Readonly<{ method: string; params: readonly Value[] }>;

export type Answer =
  Readonly<{ kind: 'result'; value: Value }> | Readonly<{ kind: 'fault'; faultCode: number; faultString: string }>;

/** Reads a call. @throws Malformed */
export function decodeCall(bytes: Uint8Array, bounds: Partial<Bounds> = {}): Call {
  const message = read(bytes, { ...defaultBounds, ...bounds });
  if (message.root !== 'methodCall') throw new Malformed('it is no methodCall');
  const { method, params = [] } = message;
  if (method === undefined) throw new Malformed('the methodName is missing');
  if (!/^[A-Za-z0-9_.:/]{1,255}$/.test(method)) throw new Malformed(`${shown(method)} cannot name a method`);
  return { method, params };
}

/** Reads the answer to a call. @throws Malformed */
export function decodeAnswer(bytes: Uint8Array, bounds: Partial<Bounds> = {}): Answer {
  const message = read(bytes, { ...defaultBounds, ...bounds });
  if (message.root !== 'methodResponse') throw new Malformed('it is no methodResponse');
  const { fault, params } = message;
  if (fault !== undefined) return asFault(fault);
  const [value, ...more] = params ?? [];
  if (value === undefined || more.length > 0) throw new Malformed('an answer has exactly one param');
  return { kind: 'result', value };
}

function asFault(fault: Value): Answer {
  if (typeof fault === 'object' && 'faultCode' in fault && 'faultString' in fault && Object.keys(fault).length === 2) {
    const { faultCode, faultString } = fault;
    if (typeof faultCode === 'number' && typeof faultString === 'string') {
      return { kind: 'fault', faultCode: readInt(String(faultCode)), faultString };
    }
  }
  throw new Malformed('a fault has a faultCode and a faultString and nothing else');
}

/**
 * One handler more, and V8 keeps the parser's properties in a dictionary: the parse then takes five times as long.
 * So the XML declaration is looked at afterwards, and comments are not heard of at all.
 */
function read(bytes: Uint8Array, bounds: Bounds): Reader {
  if (bytes.length > bounds.bytes) throw new Malformed(`it is longer than ${bounds.bytes} bytes`);
  const reader = new Reader(bounds);
  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('doctype', refuse('a DTD is not allowed'));
  parser.on('processinginstruction', refuse('processing instructions are not allowed'));
  parser.on('attribute', refuse('attributes are not allowed'));
  parser.on('opentag', (tag) => reader.open(tag.name));
  parser.on('closetag', () => reader.close());
  parser.on('text', (part) => reader.add(part));
  parser.on('cdata', (part) => reader.add(part));
  parse(parser, asText(bytes));
  return reader;
}

function refuse(why: string): () => void {
  return () => {
    throw new Malformed(why);
  };
}

function mustBeSpokenHere({ xmlDecl: { version, encoding } }: SaxesParser): void {
  if (version !== undefined && version !== '1.0') throw new Malformed('only XML 1.0 is spoken here');
  if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding)) throw new Malformed('only UTF-8 is spoken here');
}

/** saxes throws at the first fault of the XML, unknown entities and truncation among them. */
function parse(parser: SaxesParser, text: string): void {
  try {
    parser.write(text);
    mustBeSpokenHere(parser); // closing forgets it
    parser.close();
  } catch (cause) {
    if (cause instanceof Malformed) throw cause;
    throw new Malformed(`it is no well-formed XML: ${shown(cause instanceof Error ? cause.message : '')}`, { cause });
  }
}

function asText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Malformed('it is not UTF-8', { cause });
  }
}
