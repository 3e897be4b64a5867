import { faultAt, quoted, type Pair, type Word } from './confile.js';
import type { LogicalLine } from './lines.js';

const blank = /\s/;

/** Splits at white space outside quotes. Quotes and backslashes stay in the words: expansion takes them off. */
export function splitWords(line: LogicalLine, from: number): Word[] {
  const words: Word[] = [];
  let at = from;
  while (at < line.text.length) {
    if (blank.test(line.text[at] ?? '')) {
      at += 1;
      continue;
    }
    const end = wordEnd(line, at);
    words.push({ raw: line.text.slice(at, end), ...line.position(at) });
    at = end;
  }
  return words;
}

/** Where the word that begins at `at` ends. @throws ConfileFault at a quote that is never closed. */
function wordEnd(line: LogicalLine, at: number): number {
  const { text } = line;
  let quote: { mark: string; at: number } | undefined;
  let here = at;
  for (; here < text.length; here += 1) {
    const letter = text[here] ?? '';
    if (letter === '\\' && quote?.mark !== "'") here += 1;
    else if (quote) quote = letter === quote.mark ? undefined : quote;
    else if (letter === '"' || letter === "'") quote = { mark: letter, at: here };
    else if (blank.test(letter)) break;
  }
  if (quote) throw line.fault(quote.at, `this ${quote.mark} is never closed`);
  return Math.min(here, text.length);
}

/** `a=b "c"="d e"`, or the old form `key all the rest`. @throws ConfileFault naming the pair without `=`. */
export function splitPairs(line: LogicalLine, from: number): Pair[] {
  const rest = line.text.slice(from);
  const start = from + rest.length - rest.trimStart().length;
  const first = line.text.slice(start, wordEnd(line, start));
  if (equalsSign(first) < 0) return [oldPair(line, start, first)];
  return splitWords(line, start).map((word) => {
    const sign = equalsSign(word.raw);
    if (sign < 0)
      throw faultAt(word, `${quoted(word.raw)} has no value: write key=value, and quotes around a value with spaces`);
    const value = { raw: word.raw.slice(sign + 1), line: word.line, column: word.column + sign + 1 };
    return { key: { ...word, raw: word.raw.slice(0, sign) }, value };
  });
}

function oldPair(line: LogicalLine, start: number, first: string): Pair {
  const after = start + first.length;
  const value = line.text.slice(after).trim();
  if (value === '') throw line.fault(start, 'the value is missing: write key=value');
  const at = after + line.text.slice(after).search(/\S/);
  return { key: { raw: first, ...line.position(start) }, value: { raw: value, ...line.position(at) } };
}

/** The first `=` outside quotes: keys may be quoted. */
function equalsSign(word: string): number {
  let quote = '';
  for (let at = 0; at < word.length; at += 1) {
    const letter = word[at] ?? '';
    if (quote) quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '=') return at;
  }
  return -1;
}

/** The JSON form `["a", "b"]`; `undefined` where the text is something else, which then is the shell's. */
export function jsonForm(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!Array.isArray(value)) return undefined;
  return value.every((item): item is string => typeof item === 'string') ? value : undefined;
}
