import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { asProblem, Problem, type ProblemCode } from '@berth/problem';
import { problemType, type ProblemBody } from '@berth/site-api';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { isDatabaseLost } from '../db/lost.js';
import { InvalidFields } from './invalid-fields.js';
import { LOG } from './tokens.js';

const statusOf: Readonly<Record<ProblemCode, number>> = {
  invalid: 422,
  not_found: 404,
  conflict: 409,
  forbidden: 403,
  unauthenticated: 401,
  too_many: 429,
  unavailable: 503,
  internal: 500,
};

const titles: Readonly<Record<ProblemCode, string>> = {
  invalid: 'Invalid',
  not_found: 'Not found',
  conflict: 'Conflict',
  forbidden: 'Forbidden',
  unauthenticated: 'Not signed in',
  too_many: 'Too many requests',
  unavailable: 'Unavailable',
  internal: 'Internal error',
};

/** The one place where site says no: every failure becomes RFC 9457's `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOG) private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = problemOf(thrown);
    if (problem.kind === 'database-silent')
      this.log.warn({ requestId: request.requestId, err: thrown }, 'the database cannot be reached');
    if (problem.code === 'internal')
      this.log.error({ requestId: request.requestId, err: problem.cause ?? problem }, 'a request failed');
    if (response.headersSent) return void response.destroy();
    const body = bodyOf(problem, request.requestId, sizeStatus(thrown));
    response
      .status(body.status)
      .type('application/problem+json')
      .set('Cache-Control', 'no-store')
      .send(JSON.stringify(body));
  }
}

function bodyOf(problem: Problem, requestId: string, status = statusOf[problem.code]): ProblemBody {
  return {
    type: problem.kind ? `${problemType}${problem.kind}` : 'about:blank',
    title: titles[problem.code],
    status,
    detail: problem.code === 'internal' ? 'cannot finish: something unexpected went wrong' : problem.message,
    code: problem.code,
    requestId,
    ...(Object.keys(problem.blanks).length > 0 ? { blanks: { ...problem.blanks } } : {}),
    ...(problem instanceof InvalidFields ? { fields: { ...problem.fields } } : {}),
  };
}

/** Nest and Express throw errors with an HTTP status: unknown paths, bodies that are no JSON or too large. */
function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (isDatabaseLost(thrown)) {
    const message = 'cannot do this now: the database does not answer; try again in a moment';
    return new Problem('unavailable', message, { cause: thrown, kind: 'database-silent' });
  }
  // An address that cannot be decoded names nothing (RFC 3986 §2.1).
  if (thrown instanceof URIError) return new Problem('not_found', 'cannot find this: its address cannot be read');
  const status = thrown instanceof HttpException ? thrown.getStatus() : (thrown as { status?: unknown } | null)?.status;
  switch (status) {
    case 404:
      return new Problem('not_found', 'cannot find this: there is nothing at this address');
    case 401:
      return new Problem('unauthenticated', 'cannot do this: sign in first', { kind: 'not-signed-in' });
    case 413:
      return new Problem('invalid', 'cannot read the request: it is larger than 64 KiB');
    case 400:
    case 415:
      return new Problem('invalid', 'cannot read the request: it must be JSON');
    default:
      return asProblem(thrown);
  }
}

function sizeStatus(thrown: unknown): number | undefined {
  return (thrown as { status?: unknown } | null)?.status === 413 ? 413 : undefined;
}
