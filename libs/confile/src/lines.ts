import { faultAt, type ConfileFault, type HereDocument } from './confile.js';
import { jsonForm } from './words.js';

type Piece = Readonly<{ at: number; line: number; column: number }>;

/** Physical lines joined by `\`, which still knows where each of its letters stood, and the here-documents that follow it. */
export class LogicalLine {
  constructor(
    readonly text: string,
    private readonly pieces: readonly Piece[],
    readonly documents: readonly HereDocument[] = [],
  ) {}

  position(at: number): { line: number; column: number } {
    let [low, high] = [0, this.pieces.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.pieces[middle]?.at ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    const piece = this.pieces[low] ?? { at: 0, line: 1, column: 1 };
    return { line: piece.line, column: piece.column + at - piece.at };
  }

  /** A fault at one of its letters. */
  fault(at: number, message: string): ConfileFault {
    return faultAt(this.position(at), message);
  }

  followedBy(documents: readonly HereDocument[]): LogicalLine {
    return new LogicalLine(this.text, this.pieces, documents);
  }
}

/**
 * `<<EOF`, `<<-EOF`, `<<'EOF'`, a file descriptor before it; a word of its own, so that the shell's `$((1<<2))` is none.
 * What stands in quotes is passed over: there it is text.
 */
const opening = /(?<=^|\s)\d*<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_]*)\2(?=\s|$)|\\.|"(?:\\.|[^"\\])*"|'[^']*'/g;

/**
 * Joins continued lines and drops comments and blank lines, also those between continued ones, as Dockerfiles do. What
 * follows a RUN or COPY with `<<` belongs to it up to the line that ends it, comments and all.
 * @throws ConfileFault at a here-document that is never ended.
 */
export function logicalLines(text: string): LogicalLine[] {
  const physical = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const found: LogicalLine[] = [];
  let joined = '';
  let pieces: Piece[] = [];
  let index = 0;
  const finish = (): void => {
    if (pieces.length > 0) {
      const line = new LogicalLine(joined, pieces);
      const documents = documentsAfter(line, physical, index);
      index += documents.reduce((sum, { lines }) => sum + lines.length + 1, 0);
      found.push(line.followedBy(documents));
    }
    joined = '';
    pieces = [];
  };
  while (index < physical.length) {
    const raw = physical[index] ?? '';
    index += 1;
    const body = raw.trimStart();
    if (body === '' || body.startsWith('#')) continue;
    const continued = /\\[ \t]*$/.exec(raw);
    const kept = continued ? raw.slice(0, continued.index) : raw;
    const skipped = pieces.length === 0 ? kept.length - kept.trimStart().length : 0;
    pieces.push({ at: joined.length, line: index, column: skipped + 1 });
    joined += kept.slice(skipped);
    if (!continued) finish();
  }
  finish();
  return found;
}

function documentsAfter(line: LogicalLine, physical: readonly string[], from: number): HereDocument[] {
  if (!/^(run|copy)\s/i.test(line.text) || jsonForm(line.text.replace(/^\w+\s+/, ''))) return [];
  let next = from;
  const opened = [...line.text.matchAll(opening)].filter(({ 3: name }) => name !== undefined);
  return opened.map(({ 0: mark, 1: dash, 2: quote, 3: name = '', index }) => {
    const first = next;
    const strip = (one: string): string => (dash === '-' ? one.replace(/^\t+/, '') : one);
    while (next < physical.length && strip(physical[next] ?? '') !== name) next += 1;
    if (next === physical.length)
      throw line.fault(index, `${mark.trim()} is never ended: a line ${name} has to follow`);
    const lines = physical.slice(first, next).map(strip);
    next += 1;
    return { name, mark: mark.trim(), isQuoted: quote !== '', stripsTabs: dash === '-', line: first + 1, lines };
  });
}
