import { faultAt, type ConfileFault } from './confile.js';

type Piece = Readonly<{ at: number; line: number; column: number }>;

/** Physical lines joined by `\`, which still knows where each of its letters stood. */
export class LogicalLine {
  constructor(
    readonly text: string,
    private readonly pieces: readonly Piece[],
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
}

/** Joins continued lines and drops comments and blank lines, also those between continued ones, as Dockerfiles do. */
export function logicalLines(text: string): LogicalLine[] {
  const found: LogicalLine[] = [];
  let joined = '';
  let pieces: Piece[] = [];
  const finish = (): void => {
    if (pieces.length > 0) found.push(new LogicalLine(joined, pieces));
    joined = '';
    pieces = [];
  };
  for (const [index, physical] of text.split('\n').entries()) {
    const raw = physical.replace(/\r$/, '');
    const body = raw.trimStart();
    if (body === '' || body.startsWith('#')) continue;
    const continued = /\\[ \t]*$/.exec(raw);
    const kept = continued ? raw.slice(0, continued.index) : raw;
    const skipped = pieces.length === 0 ? kept.length - kept.trimStart().length : 0;
    pieces.push({ at: joined.length, line: index + 1, column: skipped + 1 });
    joined += kept.slice(skipped);
    if (!continued) finish();
  }
  finish();
  return found;
}
