import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Problem } from '@berth/problem';
import { encodeFault } from '@berth/xmlrpc';
import { faultOf } from '@berth/con-protocol';
import type { Logger } from 'pino';
import { answerUpload } from '../streams/upload.js';
import { refuseUpgrade, type Upgrades } from '../streams/upgrade.js';
import type { Tickets } from '../streams/tickets.js';
import { readBody, Slow, TooLong } from './body.js';
import type { CallersClock } from './callers-clock.js';
import type { Dispatch } from './dispatch.js';
import type { Identity } from './identity.js';

export type ListenerBounds = Readonly<{
  bodyBytes: number;
  /** For the headers, and again for the body of a call. */
  senderMs: number;
  connections: number;
  /** Calls at work at a time; one caller cannot starve the other listener. */
  calls: number;
}>;

export const defaultBounds: ListenerBounds = { bodyBytes: 1024 * 1024, senderMs: 10_000, connections: 256, calls: 64 };

export type ListenerNeeds = Readonly<{
  /** Which listener, for the log. */
  name: 'socket' | 'loopback' | 'network';
  /** Where given, all that is said is encrypted. */
  identity?: Identity;
  dispatch: Dispatch;
  tickets: Tickets;
  upgrades: Upgrades;
  mayEnter: (authorization: string | undefined) => boolean;
  clock: CallersClock | undefined;
  log: Logger;
  bounds: ListenerBounds;
}>;

/** An HTTP server that lets in who may, bounds what they send, and knows three things: calls, uploads and sessions. */
export class Listener {
  readonly server: Server;
  private calls = 0;

  constructor(private readonly needs: ListenerNeeds) {
    const { identity, bounds } = needs;
    const { senderMs, connections } = bounds;
    // requestTimeout would cut uploads; calls have their own deadline.
    const times = {
      headersTimeout: senderMs,
      requestTimeout: 0,
      connectionsCheckingInterval: 500,
      keepAliveTimeout: 15_000,
    };
    this.server = identity
      ? createTlsServer({ ...times, ...identity, minVersion: 'TLSv1.3', handshakeTimeout: senderMs })
      : createServer(times);
    this.server.maxConnections = connections;
    this.server.on('request', (request, response) => void this.answer(request, response));
    this.server.on('upgrade', (request, socket, head) => {
      if (!this.mayEnter(request)) return refuseUpgrade(socket, '401 Unauthorized');
      needs.upgrades.answer(request, socket, head);
    });
  }

  private mayEnter(request: IncomingMessage): boolean {
    return this.needs.mayEnter(request.headers.authorization);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => request.destroy()); // nobody is there to be told
    if (!this.mayEnter(request)) {
      response.setHeader('WWW-Authenticate', 'Basic realm="con"');
      return refuse(request, response, 401, 'cannot answer: the token is missing or wrong');
    }
    const path = request.url ?? '';
    if (path === '/RPC2' && request.method === 'POST') return this.answerCall(request, response);
    if (path.startsWith('/stream/') && request.method === 'PUT') return this.answerUpload(request, response);
    if (path === '/RPC2') return refuse(request, response, 405, 'cannot answer: calls come by POST');
    return refuse(request, response, 404, 'cannot answer: calls go to /RPC2');
  }

  private async answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { bounds, dispatch } = this.needs;
    const begun = performance.now();
    if (this.calls >= bounds.calls) {
      const problem = new Problem(
        'too_many',
        `cannot answer: ${bounds.calls} calls are at work; try again in a moment`,
      );
      return this.send(response, encodeFault(faultOf(problem)), request);
    }
    this.calls += 1;
    this.needs.clock?.hear(request.headers.date);
    try {
      const body = await readBody(request, { bytes: bounds.bodyBytes, timeoutMs: bounds.senderMs });
      const { xml, method, outcome } = await dispatch.answer(body);
      this.send(response, xml, request);
      this.note(method, begun, outcome);
    } catch (thrown) {
      this.refuseBody(request, response, thrown);
      this.note('?', begun, thrown instanceof Problem ? thrown.code : 'cut');
    } finally {
      this.calls -= 1;
    }
  }

  private send(response: ServerResponse, xml: string, request: IncomingMessage): void {
    if (!request.complete) response.setHeader('Connection', 'close');
    response
      .writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': Buffer.byteLength(xml) })
      .end(xml);
  }

  private refuseBody(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    if (thrown instanceof TooLong) return refuse(request, response, 413, thrown.message);
    if (thrown instanceof Slow) return refuse(request, response, 408, thrown.message);
    request.destroy(); // the caller has gone
  }

  private async answerUpload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now();
    const problem = await answerUpload(this.needs.tickets, request, response);
    if (problem?.code === 'internal') this.needs.log.error({ err: problem.cause }, 'an upload failed');
    this.note('PUT /stream', begun, problem?.code ?? 'ok');
  }

  /** What is polled every second is told at `debug` only. */
  private note(method: string, begun: number, outcome: string): void {
    const polled = outcome === 'ok' && /\.(info|list|get|read|log)$/.test(method);
    const line = { from: this.needs.name, method, ms: Math.round((performance.now() - begun) * 10) / 10, outcome };
    this.needs.log[polled ? 'debug' : 'info'](line, 'call');
  }
}

/** An answer in plain text, after which the connection is closed whatever else was to come. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${text}\n`, () => request.destroy());
}
