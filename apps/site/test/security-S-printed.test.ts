import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from './browser.js';
import { testCon, withCons, type TestCon } from './con.js';
import { testSite, type TestSite } from './site.js';

let con: TestCon, site: TestSite, ada: Browser;
beforeAll(async () => {
  con = await testCon('one');
  site = await testSite(withCons(con));
  ada = await Browser.of(site.url, 'ada@example.org');
}, 60_000);
afterAll(async () => {
  await site.close();
  await con.close();
});

const script = '<script>alert(1)</script>"\'&{{7*7}}=cmd|calc';

describe('What a person typed', () => {
  it.each(['a\u001b[2Jb', 'a\nb', 'a\u0000b', 'a\u202eb', 'a\u2028b', '\ud800', 'a\u0007b'])(
    'is no name: %j',
    async (name) => {
      const body = { email: 's@example.org', password: 'long enough', name, locale: 'en' };
      const answer = await ada.post('/api/customers', body);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ fields: { name: expect.any(String) } });
    },
  );

  it('in a name of a person stays text in JSON, which no browser takes for a page', async () => {
    const browser = new Browser(site.url);
    await browser.get('/api/session');
    const person = { email: 'script@example.org', password: 'long enough' };
    await browser.post('/api/customers', { ...person, name: script, locale: 'en' });
    const answer = await browser.post('/api/session', person);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.json()).toMatchObject({ customer: { name: script } });
  });

  it.each(['app', 'version', 'name', 'size'])(
    'as %s of a container is refused, in a form no browser takes for a page',
    async (field) => {
      const order = { app: 'nginx', version: '1', name: 'a', size: 'small', [field]: `${script}\u001b[31m\r\n` };
      const answer = await ada.post('/api/containers', order);
      expect([422, 503]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.text()).not.toMatch(/[\u0000-\u001f]/);
    },
  );

  it('in a path or a query never comes back in a page', async () => {
    for (const path of [
      '/api/%3Cscript%3E',
      '/api/containers/%3Cscript%3Ealert(1)%3C%2Fscript%3E',
      '/api/docs?x=<script>alert(1)',
    ]) {
      expect(await (await ada.get(path)).text()).not.toContain('<script>');
    }
  });

  it("in an app's login is refused where it could act on a terminal", async () => {
    const created = await ada.post('/api/containers', { app: 'django', version: '3.2', name: 'evil', size: 'small' });
    const { id } = (await created.json()) as { id: string };
    await ada.post(`/api/containers/${id}/start`);
    con.login.text = 'user=admin\npassword=\u001b]0;owned\u0007\n';
    expect((await ada.post(`/api/containers/${id}/login`)).status).toBe(409);
    con.login.text = `user=${'x'.repeat(10_000)}\npassword=y\n`;
    expect((await ada.post(`/api/containers/${id}/login`)).status).toBe(503);
  });
});
