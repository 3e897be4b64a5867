import type { Blanks, ProblemKind } from './kind.js';

/** Every way in which Berth says no. Three borders translate them, each by one table; nobody else does. */
export const problemCodes = [
  'invalid',
  'not_found',
  'conflict',
  'forbidden',
  'unauthenticated',
  'too_many',
  'unavailable',
  'internal',
] as const;

export type ProblemCode = (typeof problemCodes)[number];

/**
 * The one error type. A message begins with "cannot", names the thing and the cure, and is fit to be shown;
 * the text of an `internal` one is logged at the border and never shown.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** What it is about, where a page has a sentence of its own for it. */
  readonly kind: ProblemKind | undefined;
  readonly blanks: Blanks;

  constructor(
    readonly code: ProblemCode,
    message: string,
    options: { cause?: unknown; kind?: ProblemKind | undefined; blanks?: Blanks | undefined } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.kind = options.kind;
    this.blanks = options.blanks ?? {};
  }
}

export function isProblemCode(word: unknown): word is ProblemCode {
  return problemCodes.includes(word as ProblemCode);
}

/** What was thrown, as a Problem: anything that is not one already is `internal`, with the original as its cause. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem('internal', 'cannot finish: something unexpected went wrong', {
    cause: thrown,
    kind: 'unexpected',
  });
}
