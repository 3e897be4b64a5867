import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Session } from '@berth/site-api';
import { Customers } from '../src/customers/customers.js';
import { Browser } from './browser.js';
import { testSite, type TestSite } from './site.js';

let site: TestSite;
beforeAll(async () => {
  site = await testSite();
}, 60_000);
afterAll(() => site.close());

const sessionOf = async (response: Response): Promise<Session> => (await response.json()) as Session;

describe('A site without any con', () => {
  it('answers its health check', async () => {
    const response = await fetch(`${site.url}/api/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', version: '0.1.0' });
  });

  it('signs a person up, in and out', async () => {
    const browser = await Browser.of(site.url, 'Ada@Example.org');
    expect((await sessionOf(await browser.get('/api/session'))).customer).toMatchObject({
      email: 'ada@example.org',
      name: 'A person',
      role: 'customer',
      locale: 'en',
    });
    const out = await browser.send('DELETE', '/api/session');
    expect((await sessionOf(out)).customer).toBeUndefined();
    expect((await browser.get('/api/session').then(sessionOf)).customer).toBeUndefined();
  });

  it('remembers the language of a person', async () => {
    const browser = await Browser.of(site.url, 'bo@example.org');
    await browser.send('PUT', '/api/customers/me', { locale: 'de' });
    expect((await sessionOf(await browser.get('/api/session'))).customer?.locale).toBe('de');
  });

  it('makes an admin of an address, with a password that is told once', async () => {
    const customers = site.app.get(Customers);
    const { password } = await customers.makeAdmin('root@example.org');
    expect(await customers.makeAdmin('root@example.org')).toEqual({});
    const browser = new Browser(site.url);
    await browser.get('/api/session');
    const answer = await browser.post('/api/session', { email: 'root@example.org', password });
    expect((await sessionOf(answer)).customer?.role).toBe('admin');
  });

  it('makes an admin of an address that a stranger has signed up with, and leaves the stranger outside', async () => {
    const stranger = await Browser.of(site.url, 'boss@example.org');
    const { password } = await site.app.get(Customers).makeAdmin('boss@example.org');
    expect((await stranger.get('/api/admin/customers')).status).toBe(401);
    const old = { email: 'boss@example.org', password: 'correct horse battery' };
    expect((await stranger.post('/api/session', old)).status).toBe(401);
    const boss = new Browser(site.url);
    await boss.get('/api/session');
    expect((await boss.post('/api/session', { email: 'boss@example.org', password })).status).toBe(200);
    expect((await boss.get('/api/admin/customers')).status).toBe(200);
  });

  it('points at the fields of a form that are wrong', async () => {
    const browser = new Browser(site.url);
    await browser.get('/api/session');
    const answer = await browser.post('/api/customers', { email: 'no', password: 'short', name: ' ', locale: 'fr' });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const body = (await answer.json()) as { code: string; fields: object; requestId: string };
    expect(Object.keys(body.fields).sort()).toEqual(['email', 'locale', 'name', 'password']);
    expect(body.code).toBe('invalid');
    expect(body.requestId).toBe(answer.headers.get('x-request-id'));
  });

  it('writes down who did what, and cannot unwrite it', async () => {
    const browser = await Browser.of(site.url, 'cy@example.org');
    await browser.send('DELETE', '/api/session');
    const [{ id } = { id: '' }] = await site.db.query<{ id: string }>(
      `select id from customer where email = 'cy@example.org'`,
    );
    const acts = await site.db.query<{ act: string }>('select act from audit_event where actor = $1 order by id', [id]);
    expect(acts.map(({ act }) => act)).toEqual(['session.create', 'session.destroy']);
    const { DataSource } = await import('typeorm');
    const serving = site.app.get(DataSource);
    await expect(serving.query('delete from audit_event')).rejects.toThrow(/permission denied/);
    await expect(serving.query(`update audit_event set act = 'nothing'`)).rejects.toThrow(/permission denied/);
    await expect(serving.query('alter table customer add column x int')).rejects.toThrow(/must be owner/);
  });
});
