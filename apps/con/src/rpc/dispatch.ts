import { randomUUID } from 'node:crypto';
import { faultOf, faultsOf, methods, type ConHandlers, type Method, type MethodName } from '@berth/con-protocol';
import { asProblem, Problem } from '@berth/problem';
import { decodeCall, encodeFault, encodeResult, Malformed, type Struct, type Value } from '@berth/xmlrpc';
import type { Logger } from 'pino';
import { z } from 'zod';
import { systemMethod } from './system.js';

/** How one call went, for the log. */
export type Outcome = Readonly<{ xml: string; method: string; outcome: 'ok' | Problem['code'] }>;

/** From the bytes of a call to the XML of its answer. It never throws: whatever goes wrong is a fault. */
export class Dispatch {
  constructor(
    private readonly handlers: ConHandlers,
    private readonly log: Logger,
  ) {}

  async answer(body: Uint8Array): Promise<Outcome> {
    let method = '?';
    try {
      const call = decodeCall(body);
      method = call.method;
      return { xml: encodeResult(await this.call(method, call.params)), method, outcome: 'ok' };
    } catch (thrown) {
      const problem = this.shown(thrown, method);
      return { xml: encodeFault(faultOf(problem)), method, outcome: problem.code };
    }
  }

  private async call(method: string, params: readonly Value[]): Promise<Value> {
    const system = systemMethod(method);
    if (system) return system(params);
    // Not `in`, and no look-up before it: `__proto__` and `constructor` name nothing here.
    if (!Object.hasOwn(methods, method)) throw unknown(method);
    return this.handle(method as MethodName, params);
  }

  private async handle(name: MethodName, params: readonly Value[]): Promise<Value> {
    const row: Method = methods[name];
    if (params.length > 1)
      throw new Problem('invalid', `cannot call ${name}: it takes one struct, not ${params.length} params`);
    const read = z.safeDecode(row.params, (params[0] ?? {}) as z.input<typeof row.params>);
    if (!read.success) throw new Problem('invalid', `cannot call ${name}: ${faultsOf(read.error)}`);
    const handler = this.handlers[name] as (params: unknown) => Promise<z.output<typeof row.result>>; // the row's own types
    return z.encode(row.result, await handler(read.data)) as Struct;
  }

  /** What the caller may read. An internal one is logged here, once, and told by its number only. */
  private shown(thrown: unknown, method: string): Problem {
    if (thrown instanceof Malformed) return new Problem('invalid', thrown.message);
    const problem = asProblem(thrown);
    if (problem.code !== 'internal') return problem;
    const requestId = randomUUID();
    this.log.error({ err: thrown, method, requestId }, 'a call failed');
    return new Problem(
      'internal',
      `cannot finish ${method}: something went wrong inside con; its log tells more under ${requestId}`,
    );
  }
}

export function unknown(method: string): Problem {
  return new Problem('not_found', `cannot call ${method}: there is no such method; system.listMethods lists them`);
}
