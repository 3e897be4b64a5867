import { methods, Unreachable, type ConClient, type MethodName } from '@berth/con-protocol';
import { Problem } from '@berth/problem';

/** Failures between site and a host: they are ours to see to, and a 401 of con must not sign a customer out. */
const ours: ReadonlySet<string> = new Set(['unauthenticated', 'too_many', 'internal']);

/** A con as customers may hear it: what it refuses in its own words, what is between it and us without addresses. */
export function forCustomers(host: string, con: ConClient): ConClient {
  const calls = (Object.keys(methods) as MethodName[]).map((method) => {
    const call = con[method] as (...words: unknown[]) => Promise<unknown>;
    const heard = (...words: unknown[]): Promise<unknown> =>
      call(...words).catch((error: unknown) => {
        throw translated(host, error);
      });
    return [method, heard] as const;
  });
  return Object.fromEntries(calls) as ConClient; // the same calls with the same types, only their failures change
}

function translated(host: string, error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  if (!(error instanceof Unreachable) && !ours.has(error.code)) return error;
  return new Problem('unavailable', `cannot do this now: host ${host} does not answer; try again in a moment`, {
    cause: error,
    kind: 'host-silent',
    blanks: { host },
  });
}
