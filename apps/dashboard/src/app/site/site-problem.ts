import { HttpErrorResponse } from '@angular/common/http';
import { asProblem, isProblemKind, Problem, type Blanks, type ProblemCode, type ProblemKind } from '@berth/problem';
import { ProblemBody, problemType } from '@berth/site-api';
import { TimeoutError } from 'rxjs';

/** A refusal as the page shows it: why, what to do, which fields, and the request id to quote. */
export class SiteProblem extends Problem {
  readonly requestId: string | undefined;
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, options: SiteProblemOptions = {}) {
    super(code, message, { cause: options.cause, kind: options.kind, blanks: options.blanks });
    this.requestId = options.requestId;
    this.fields = options.fields ?? {};
  }
}

type SiteProblemOptions = Readonly<{
  requestId?: string | undefined;
  fields?: Readonly<Record<string, string>> | undefined;
  kind?: ProblemKind | undefined;
  blanks?: Blanks | undefined;
  cause?: unknown;
}>;

/** Whether it is known that what was asked for was not done; otherwise it may have been. */
export function isAnswered({ code }: SiteProblem): boolean {
  return code !== 'unavailable' && code !== 'internal';
}

/** The one place where a failure of any kind becomes a Problem: refused, unreachable, or not what was agreed. */
export function problemOf(thrown: unknown): SiteProblem {
  if (thrown instanceof SiteProblem) return thrown;
  if (thrown instanceof TimeoutError) {
    return new SiteProblem('unavailable', wordsOf(0), { kind: 'offline', cause: thrown });
  }
  if (!(thrown instanceof HttpErrorResponse)) {
    const { code, message, kind, blanks } = asProblem(thrown);
    return new SiteProblem(code, message, { kind, blanks, cause: thrown });
  }
  const requestId = thrown.headers.get('X-Request-Id') ?? undefined;
  const body = ProblemBody.safeParse(parsed(thrown.error));
  if (body.success) {
    const { code, detail, title, type, blanks, fields } = body.data;
    const kind = type.startsWith(problemType) ? type.slice(problemType.length) : undefined;
    return new SiteProblem(code, detail ?? title, {
      requestId: body.data.requestId,
      fields,
      kind: isProblemKind(kind) ? kind : undefined,
      blanks,
      cause: thrown,
    });
  }
  const { status } = thrown;
  const kind = status === 0 ? 'offline' : 'unexplained';
  return new SiteProblem(codeOf(status), wordsOf(status), { requestId, kind, blanks: { status }, cause: thrown });
}

/** Where an error's content type is not plain JSON, the browser hands its body over as text. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}

function codeOf(status: number): ProblemCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 429) return 'too_many';
  if (status === 0 || (status >= 502 && status <= 504)) return 'unavailable';
  return 'internal';
}

function wordsOf(status: number): string {
  if (status === 0) return 'cannot reach Berth: check the network; the page tries again by itself';
  return `cannot finish: the server answered ${status} without a reason; try again in a moment`;
}
