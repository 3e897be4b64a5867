import type { Agent } from 'node:http';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '@berth/problem';
import { nameOf, reach, type Endpoint } from './endpoint.js';

/** No valid HTTP answer came: nothing listens, or not in time. Whether the call was carried out is not known. */
export class Unreachable extends Problem {
  constructor(message: string, options?: { cause?: unknown }) {
    super('unavailable', message, options);
  }
}

/** Without bounds, one host that drips a byte a second would hold its callers for ever. */
export type ExchangeBounds = Readonly<{
  connectMs: number;
  /** From the first byte asked to the last byte answered. */
  timeoutMs: number;
  /** Of the answer's body. */
  maxBytes: number;
}>;

export type Outgoing = Readonly<{
  method: 'POST' | 'PUT';
  path: string;
  headers: Readonly<Record<string, string | number>>;
  body: string | Readable;
}>;

export type Incoming = Readonly<{ status: number; body: Buffer }>;

/** One request and its whole answer, within bounds. @throws Unreachable for whatever keeps the answer away. */
export async function exchange(
  endpoint: Endpoint,
  agent: Agent,
  outgoing: Outgoing,
  bounds: ExchangeBounds,
  signal?: AbortSignal,
): Promise<Incoming> {
  const deadline = AbortSignal.timeout(bounds.timeoutMs);
  const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
  for (let attempt = 1; ; attempt += 1) {
    const sent = send(endpoint, agent, outgoing, either);
    try {
      return await answerOf(sent, bounds);
    } catch (cause) {
      if (attempt === 1 && isStale(sent, cause, outgoing)) continue;
      const why = deadline.aborted ? `no answer within ${bounds.timeoutMs} ms` : reasonOf(cause);
      throw new Unreachable(`cannot reach con at ${nameOf(endpoint)}: ${why}`, { cause });
    }
  }
}

function send(
  endpoint: Endpoint,
  agent: Agent,
  { method, path, headers, body }: Outgoing,
  signal: AbortSignal,
): ClientRequest {
  const way = reach(endpoint);
  const sent = request({ ...way, agent, method, path, headers: { ...way.headers, ...headers }, signal });
  if (typeof body === 'string') sent.end(body);
  else body.on('error', (error) => sent.destroy(error)).pipe(sent);
  return sent;
}

function answerOf(sent: ClientRequest, { connectMs, maxBytes }: ExchangeBounds): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => sent.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs);
      socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    });
    sent.on('response', (answer) => collect(answer, maxBytes).then(resolve, reject));
  });
}

async function collect(answer: IncomingMessage, maxBytes: number): Promise<Incoming> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks) };
}

/** A kept connection may have been closed by the other side just now; every method may run twice, so it is asked again. */
function isStale(sent: ClientRequest, cause: unknown, { body }: Outgoing): boolean {
  return sent.reusedSocket && codeOf(cause) === 'ECONNRESET' && typeof body === 'string';
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the daemon running?',
  ENOENT: 'there is no such socket; is the daemon running?',
  EACCES: 'this socket is for root alone',
  ECONNRESET: 'the connection was cut',
  ABORT_ERR: 'the call was given up',
};

function reasonOf(cause: unknown): string {
  return reasons[codeOf(cause)] ?? (textIn(cause, 'message') || 'the connection failed');
}

function codeOf(cause: unknown): string {
  return textIn(cause, 'code');
}

/** Not by `instanceof`: what Node throws may come from another realm. */
function textIn(cause: unknown, key: 'code' | 'message'): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const text: unknown = Reflect.get(cause, key);
  return typeof text === 'string' ? text : '';
}
