import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from './browser.js';
import { testSite, type TestSite } from './site.js';

let site: TestSite, ada: Browser, pages: string;

beforeAll(async () => {
  pages = mkdtempSync(join(tmpdir(), 'site-pages-'));
  writeFileSync(join(pages, 'index.html'), '<!doctype html><berth-root ngCspNonce="__CSP_NONCE__"></berth-root>');
  writeFileSync(join(pages, 'main-ABCD1234.js'), 'export {}');
  writeFileSync(join(pages, 'favicon.ico'), 'x');
  writeFileSync(join(pages, '.secret'), 'hidden');
  site = await testSite({ SITE_DASHBOARD_DIRECTORY: pages });
  ada = await Browser.of(site.url, 'ada@example.org');
}, 60_000);
afterAll(async () => {
  await site.close();
  rmSync(pages, { recursive: true });
});

const unsafe = (headers: Record<string, string>): Promise<Response> =>
  ada.send('PUT', '/api/customers/me', { locale: 'en' }, headers);

describe('An unsafe request', () => {
  it('is accepted from our own page', async () => {
    const origin = new URL(site.url).origin;
    expect((await unsafe({ Origin: origin, 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    expect((await unsafe({ Origin: 'http://localhost:8080' })).status).toBe(200); // baseUrl
  });

  it.each([
    ['without a token', { 'X-XSRF-TOKEN': '' }],
    ['with a wrong token', { 'X-XSRF-TOKEN': 'A'.repeat(43) }],
    ['from another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['from a neighbour on the same site', { 'Sec-Fetch-Site': 'same-site' }],
    ['with another origin', { Origin: 'https://evil.example' }],
    ['with the origin of a sandboxed frame', { Origin: 'null' }],
    ['with our name on another port', { Origin: 'http://127.0.0.1:1' }],
  ])('is refused %s', async (_, headers) => {
    expect((await unsafe(headers)).status).toBe(403);
  });

  it('is refused with the token of another visit', async () => {
    const bo = await Browser.of(site.url, 'bo@example.org');
    expect((await unsafe({ 'X-XSRF-TOKEN': bo.cookies.get('XSRF-TOKEN')! })).status).toBe(403);
  });

  it('is refused without any cookie, whatever the header says', async () => {
    const answer = await fetch(`${site.url}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-XSRF-TOKEN': 'x' },
      body: JSON.stringify({ email: 'ada@example.org', password: 'correct horse battery' }),
    });
    expect(answer.status).toBe(403);
  });

  it('with a stale token is told so in its own words, and the cookie is renewed', async () => {
    const answer = await unsafe({ 'X-XSRF-TOKEN': 'stale' });
    expect(((await answer.json()) as { type: string }).type).toBe('urn:berth:problem:stale-csrf-token');
    expect(answer.headers.getSetCookie().join()).toContain(`XSRF-TOKEN=${ada.cookies.get('XSRF-TOKEN')}`);
  });

  it('cannot be a form post of another page', async () => {
    const answer = await fetch(`${site.url}/api/customers/me`, {
      method: 'PUT',
      headers: { 'Content-Type': 'text/plain', Cookie: `berth_session=${ada.cookies.get('berth_session')}` },
      body: '{"locale":"de"}',
    });
    expect(answer.status).toBe(403);
  });
});

describe('The cookies', () => {
  it('of the session are out of reach of scripts and of other sites', async () => {
    const [session, csrf] = (await ada.get('/api/session')).headers.getSetCookie();
    expect(session).toMatch(/^berth_session=[\w-]{43};.*HttpOnly/);
    expect(session).toMatch(/SameSite=Lax/);
    expect(session).not.toMatch(/Secure/); // localhost
    expect(csrf).toMatch(/^XSRF-TOKEN=/);
    expect(csrf).not.toMatch(/HttpOnly/);
  });

  it('travel over TLS alone where the dashboard is not on localhost', async () => {
    const secure = await testSite({ SITE_BASE_URL: 'https://panel.example.org' });
    for (const cookie of (await fetch(`${secure.url}/api/session`)).headers.getSetCookie())
      expect(cookie).toMatch(/; Secure/);
    await secure.close();
  }, 30_000);
});

describe('Every answer', () => {
  const paths = [
    '/',
    '/containers',
    '/main-ABCD1234.js',
    '/missing.js',
    '/api/session',
    '/api/nothing',
    '/api/docs',
    '/api/docs.json',
    '/%00',
    '/..%2f..%2fetc%2fpasswd',
  ];

  it.each(paths)('has the strict policy: %s', async (path) => {
    const { headers } = await fetch(site.url + path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'/);
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('signs the styles of a page with a nonce of its own', async () => {
    const nonces = await Promise.all(
      ['/', '/containers'].map(async (path) => {
        const answer = await fetch(site.url + path);
        const [, nonce = ''] = /ngCspNonce="([^"]{24})"/.exec(await answer.text()) ?? [];
        expect(answer.headers.get('content-security-policy')).toContain(`'nonce-${nonce}'`);
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });

  it('is kept by browsers for ever only where its name tells its content', async () => {
    const kept = async (path: string): Promise<string | null> =>
      (await fetch(site.url + path)).headers.get('cache-control');
    expect(await kept('/main-ABCD1234.js')).toMatch(/immutable/);
    expect(await kept('/')).toBe('no-cache');
    expect(await kept('/favicon.ico')).toBe('no-cache');
    expect(await kept('/api/session')).toBe('private, no-cache');
  });

  it('never holds a file that is not the dashboard own', async () => {
    for (const path of ['/.secret', '/..%2f..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/missing.js']) {
      const text = await (await fetch(site.url + path)).text();
      expect(text).not.toMatch(/hidden|root:/);
    }
    expect((await fetch(`${site.url}/missing.js`)).status).toBe(404);
  });
});

describe("The API's documentation", () => {
  it('is made from the route table and loads nothing', async () => {
    const page = await (await fetch(`${site.url}/api/docs`)).text();
    expect(page).toContain('/api/containers/:id/start');
    expect(page).not.toMatch(/<script|<link|src=|style="/);
    const document = (await (await fetch(`${site.url}/api/docs.json`)).json()) as { paths: Record<string, object> };
    expect(Object.keys(document.paths)).toContain('/api/containers/{id}/start');
    expect(document).toHaveProperty('paths./api/containers.post.requestBody');
  });
});
