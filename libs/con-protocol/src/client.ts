import { Agent } from 'node:http';
import { Problem } from '@berth/problem';
import { decodeAnswer, encodeCall, Malformed, type Answer, type Struct } from '@berth/xmlrpc';
import { z } from 'zod';
import { nameOf, pinnedAgent, type Endpoint } from './endpoint.js';
import { exchange, type ExchangeBounds, type Incoming } from './exchange.js';
import { problemOf } from './faults.js';
import { methods, type Method, type MethodName } from './methods.js';
import type { ConClient } from './typed.js';

const defaults: ExchangeBounds = { connectMs: 2_000, timeoutMs: 10_000, maxBytes: 64 * 1024 * 1024 };

/**
 * Every method of con as a typed call. Connections are kept and do not keep a process alive. Faults come back as the
 * Problems they were; no valid answer within the bounds is `unavailable`.
 */
export function conClient(options: Endpoint & Partial<ExchangeBounds>): ConClient {
  const bounds: ExchangeBounds = {
    connectMs: options.connectMs ?? defaults.connectMs,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    maxBytes: options.maxBytes ?? defaults.maxBytes,
  };
  const agent = pinnedAgent(options, bounds.connectMs, true) ?? new Agent({ keepAlive: true, maxSockets: 16 });
  const call = async (
    name: MethodName,
    params: unknown,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<unknown> => {
    const body = encodeCall(name, [paramsOut(name, params)]);
    const length = Buffer.byteLength(body);
    // con compares clocks: the one who bills and the one who measures should agree.
    const headers = { 'Content-Type': 'text/xml', 'Content-Length': length, Date: new Date().toUTCString() };
    const incoming = await exchange(options, agent, { method: 'POST', path: '/RPC2', headers, body }, bounds, signal);
    return resultIn(name, answerIn(incoming, options, bounds), options);
  };
  const calls = (Object.keys(methods) as MethodName[]).map(
    (name) => [name, (params: unknown, one?: { signal?: AbortSignal }) => call(name, params, one)] as const,
  );
  return Object.fromEntries(calls) as ConClient; // each call decodes by its own row, which is what ConClient says
}

function paramsOut(name: MethodName, params: unknown): Struct {
  const { params: schema }: Method = methods[name];
  const encoded = z.safeEncode(schema, params as z.output<typeof schema>);
  if (encoded.success) return encoded.data as Struct;
  throw new Problem('invalid', `cannot call ${name}: ${faultsOf(encoded.error)}`, { cause: encoded.error });
}

function answerIn({ status, body }: Incoming, endpoint: Endpoint, { maxBytes }: ExchangeBounds): Answer {
  if (status === 401) {
    throw new Problem('unauthenticated', `cannot use con at ${nameOf(endpoint)}: it does not accept this token`);
  }
  if (status !== 200)
    throw new Problem('unavailable', `cannot use con at ${nameOf(endpoint)}: it answered HTTP ${status}`);
  try {
    return decodeAnswer(body, { bytes: maxBytes, values: 5_000_000 });
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new Problem('unavailable', `cannot understand con at ${nameOf(endpoint)}: ${cause.message}`, { cause });
  }
}

function resultIn(name: MethodName, answer: Answer, endpoint: Endpoint): unknown {
  if (answer.kind === 'fault') throw problemOf(answer);
  const { result }: Method = methods[name];
  const decoded = z.safeDecode(result, answer.value as z.input<typeof result>);
  if (decoded.success) return decoded.data;
  const why = `cannot understand the answer of con at ${nameOf(endpoint)} to ${name}: ${faultsOf(decoded.error)}`;
  throw new Problem('unavailable', why, { cause: decoded.error });
}

/** Where and what, for people: `limits.pids: Invalid input: expected number`. The values themselves are never quoted. */
export function faultsOf({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'params'}: ${message}`)
    .join('; ');
}
