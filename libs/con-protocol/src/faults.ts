import { Problem, problemCodes, type ProblemCode } from '@berth/problem';

/**
 * The one table between Problems and XML-RPC's fault codes, one to one and after the HTTP statuses everybody knows.
 * The faultString is the Problem's message; con's docs list the table for callers in other languages.
 */
export const faultCodes: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_many: 429,
  internal: 500,
  unavailable: 503,
};

export type Fault = Readonly<{ faultCode: number; faultString: string }>;

export function faultOf({ code, message }: Problem): Fault {
  return { faultCode: faultCodes[code], faultString: message };
}

/** A code that this version does not know is `internal`. */
export function problemOf({ faultCode, faultString }: Fault): Problem {
  const code = problemCodes.find((word) => faultCodes[word] === faultCode) ?? 'internal';
  return new Problem(code, faultString);
}
