import { HttpClient } from '@angular/common/http';
import { inject, Injectable } from '@angular/core';
import { routes, type BodyOf, type ParamsOfRoute, type ReplyOf, type Route, type RouteName } from '@berth/site-api';
import { firstValueFrom, timeout } from 'rxjs';
import { z } from 'zod';
import { problemOf, SiteProblem } from './site-problem.js';

type Needs<T> = [T] extends [undefined] ? unknown : { body: T };
type Params<N extends RouteName> = [keyof ParamsOfRoute<N>] extends [never] ? unknown : { params: ParamsOfRoute<N> };

/** What a route needs besides its name: its parameters and its body, where it has them. */
export type InputOf<N extends RouteName> = Params<N> & Needs<BodyOf<N>> & { idempotencyKey?: string };
type Arguments<N extends RouteName> = unknown extends Params<N> & Needs<BodyOf<N>>
  ? [input?: InputOf<N>]
  : [InputOf<N>];

type Loose = Readonly<{ params?: Record<string, string>; body?: unknown; idempotencyKey?: string }>;

/** How long something to read may take, on the slowest line. */
const longestReadMs = 10_000;

/** Every call to site. It answers with decoded records, or throws a SiteProblem; it never throws anything else. */
@Injectable({ providedIn: 'root' })
export class SiteClient {
  private readonly http = inject(HttpClient);

  async call<N extends RouteName>(name: N, ...[input]: Arguments<N>): Promise<ReplyOf<N>> {
    const row: Route = routes[name];
    try {
      return decoded(row, await this.send(row, (input ?? {}) as Loose)) as ReplyOf<N>;
    } catch (thrown) {
      throw problemOf(thrown);
    }
  }

  /** A stale CSRF token is renewed once, without a word: reading the session sets the cookie. */
  private async send(row: Route, input: Loose): Promise<unknown> {
    try {
      return await this.sendOnce(row, input);
    } catch (thrown) {
      if (problemOf(thrown).kind !== 'stale-csrf-token') throw thrown;
      await this.sendOnce(routes['session.get'], {});
      return this.sendOnce(row, input);
    }
  }

  private sendOnce(row: Route, { params = {}, body, idempotencyKey }: Loose): Promise<unknown> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
    const encoded = row.body ? bodyOf(row.body, body) : undefined;
    const answer = this.http.request(row.method, pathOf(row, params), { body: encoded, headers });
    // An answer that never comes must not end the polling; what changes something is waited for, because it may be done.
    return firstValueFrom(row.method === 'GET' ? answer.pipe(timeout(longestReadMs)) : answer);
  }
}

/** What site would refuse need not be sent: the same words, field by field. */
function bodyOf(schema: z.ZodObject, body: unknown): unknown {
  const encoded = z.safeEncode(schema, body as never);
  if (encoded.success) return encoded.data;
  const fields = Object.fromEntries(
    encoded.error.issues.map(({ path, message }) => [path.map(String).join('.'), message]),
  );
  throw new SiteProblem('invalid', `cannot send this: ${Object.keys(fields).join(', ')}`, {
    kind: 'unreadable',
    fields,
    cause: encoded.error,
  });
}

function pathOf(row: Route, params: Record<string, string>): string {
  return row.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

function decoded(row: Route, reply: unknown): unknown {
  const result = row.reply.safeDecode(reply as never);
  if (result.success) return result.data;
  throw new SiteProblem('internal', 'cannot read the answer: this page is older than the server; reload it', {
    kind: 'outdated-page',
    cause: result.error,
  });
}

/** The address of an invoice's PDF, for a plain link: browsers know how to save it. */
export function invoicePdfPath(number: string): string {
  return pathOf(routes['invoices.pdf'], { number });
}
