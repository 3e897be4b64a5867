import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Problem } from '@berth/problem';
import type { Request, Response } from 'express';
import { Audit } from '../audit/audit.js';
import type { Config } from '../config.js';
import type { Caller } from './caller.js';
import { setCsrfCookie } from './cookies.js';
import { CONFIG } from './tokens.js';
import { rowOf } from './serves.js';

/** Of a kind of its own, so that the dashboard can renew the token once and try again. */
function staleToken(): Problem {
  const message = 'cannot accept this request: its CSRF token is missing or stale; read /api/session and try again';
  return new Problem('forbidden', message, { kind: 'stale-csrf-token' });
}

/** The one guard. It denies by default: what has no row in the route table answers nobody. */
@Injectable()
export class Gate implements CanActivate {
  constructor(
    private readonly audit: Audit,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = rowOf(context.getHandler());
    if (!route) throw new Problem('not_found', 'cannot find this: it has no row in the route table');
    const request = context.switchToHttp().getRequest<Request>();
    if (route.row.method !== 'GET') this.mustBeOurs(request, context.switchToHttp().getResponse<Response>());
    if (route.row.who === 'anyone') return true;
    const caller = callerOf(request);
    if (route.row.who === 'admin' && caller.role !== 'admin') {
      const { requestId, path: target, ip: address = '' } = request;
      await this.audit.add({ actor: caller.id, act: route.name, target, outcome: 'forbidden', requestId, address });
      throw new Problem('forbidden', 'cannot do this: it is for admins', { kind: 'admins-only' });
    }
    return true;
  }

  /** Unsafe requests come from our own page: by the browser's word where it gives one, and by the token always. */
  private mustBeOurs(request: Request, response: Response): void {
    const site = request.headers['sec-fetch-site'];
    const { origin } = request.headers;
    if (
      (site !== undefined && site !== 'same-origin' && site !== 'none') ||
      (origin !== undefined && !this.isOwn(origin, request))
    )
      throw new Problem('forbidden', 'cannot accept this request: it was sent by another site', {
        kind: 'another-site',
      });
    const given = request.headers['x-xsrf-token'];
    const expected = request.visit?.csrfToken;
    if (expected !== undefined && typeof given === 'string' && sameText(given, expected)) return;
    if (expected !== undefined) setCsrfCookie(response, expected, this.config);
    throw staleToken();
  }

  /** Host is chosen by the browser, not by the page that sends: an attacker's page cannot make the two agree. */
  private isOwn(origin: string, request: Request): boolean {
    return (
      origin === new URL(this.config.baseUrl).origin ||
      (URL.canParse(origin) && new URL(origin).host === request.headers.host)
    );
  }
}

/** @throws Problem `unauthenticated` where nobody is signed in. */
export function callerOf(request: Request): Caller {
  const caller = request.visit?.caller;
  if (!caller) throw new Problem('unauthenticated', 'cannot do this: sign in first', { kind: 'not-signed-in' });
  return caller;
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
