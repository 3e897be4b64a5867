import type { CookieOptions, Request, Response } from 'express';

export const sessionCookie = 'berth_session';
export const csrfCookie = 'XSRF-TOKEN';

type Secure = Readonly<{ secureCookies: boolean }>;

export function setSessionCookie(response: Response, id: string, config: Secure & { sessionSeconds: number }): void {
  response.cookie(sessionCookie, id, { ...shared(config), httpOnly: true, maxAge: config.sessionSeconds * 1000 });
}

/** Read by the page's own script, which copies it into a header: no other origin can. */
export function setCsrfCookie(response: Response, token: string, config: Secure): void {
  response.cookie(csrfCookie, token, { ...shared(config), httpOnly: false });
}

function shared({ secureCookies }: Secure): CookieOptions {
  return { path: '/', sameSite: 'lax', secure: secureCookies, encode: String };
}

/** 256 bits in base64url: what does not look like that is no session of ours, and is never looked up. */
const sessionId = /^[A-Za-z0-9_-]{43}$/;

export function sessionIdOf(request: Request): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() !== sessionCookie) continue;
    const value = pair.slice(at + 1).trim();
    return sessionId.test(value) ? value : undefined;
  }
  return undefined;
}
