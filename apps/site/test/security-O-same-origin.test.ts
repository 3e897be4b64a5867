import { describe, expect, it } from '@jest/globals';
import { ContainerList, type Host } from '@berth/site-api';
import { ConfigFault, readConfig } from '../src/config.js';
import { Customers } from '../src/customers/customers.js';
import { sharedDomain } from '../src/http/origin.js';
import { Browser } from './browser.js';
import { testCon, withCons } from './con.js';
import { testSite } from './site.js';

describe('Apps and the dashboard', () => {
  it.each([
    ['panel.example.org', 'apps.example.org', 'example.org'],
    ['example.org', 'example.org', 'example.org'],
    ['Panel.Example.org.', 'x.y.example.ORG', 'example.org'],
    ['panel.example.co.uk', 'apps.example.co.uk', 'example.co.uk'],
    ['localhost', 'localhost', 'localhost'],
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['[::1]', '::1', '::1'],
    ['panel.internal', 'apps.panel.internal', 'panel.internal'],
  ])('never share a name: %s and %s share %s', (one, other, shared) => {
    expect(sharedDomain(one, other)).toBe(shared);
  });

  it.each([
    ['localhost', '127.0.0.1'],
    ['localhost', '192.0.2.1'],
    ['panel.example.org', 'apps.example.net'],
    ['one.github.io', 'two.github.io'],
    ['a.co.uk', 'b.co.uk'],
    ['192.0.2.1', '192.0.2.2'],
  ])('may live at %s and %s', (one, other) => {
    expect(sharedDomain(one, other)).toBeUndefined();
  });

  it('refuse to start with a configuration that lets them share one', () => {
    const host = { name: 'one', url: 'http://127.0.0.1:7077', tokenVariable: 'T', appsHost: 'apps.example.org' };
    const environment = { SITE_DATABASE_URL: 'postgres://x', SITE_BASE_URL: 'https://panel.example.org', T: 't' };
    const read = () => readConfig({ ...environment, SITE_HOSTS: JSON.stringify([host]) });
    expect(read).toThrow(ConfigFault);
    expect(read).toThrow(/hosts\.0\.appsHost: apps must not share example\.org with the dashboard/);
  });

  it('do not meet where a host says itself that its apps answer at our name', async () => {
    const con = await testCon('near', { appsHost: 'localhost' });
    const site = await testSite(withCons(con));
    const ada = await Browser.of(site.url, 'ada@example.org');
    const refused = await ada.post('/api/containers', { app: 'nginx', version: '1', name: 'a', size: 'small' });
    expect(refused.status).toBe(503);
    expect(con.containers.size).toBe(0);
    const [{ id: customer } = { id: '' }] = await site.db.query<{ id: string }>('select id from customer');
    await site.db.query(
      `insert into lease (id, customer_id, host, name, app, version, size, memory_bytes, cpu_millis, pids, tariff_tag,
                          idempotency_key, body_hash, placed_at)
       values ('x', $1, 'near', 'x', 'nginx', '1', 'small', 1, 1, 1, 'demo:small', 'k', '', now())`,
      [customer],
    );
    expect((await ada.post('/api/containers/x/start')).status).toBe(503);
    const list = ContainerList.parse(await (await ada.get('/api/containers')).json());
    expect(list.containers[0]).toMatchObject({ state: 'unknown', reason: 'host near does not answer' });
    expect(list.containers[0]).not.toHaveProperty('url');
    const { password } = await site.app.get(Customers).makeAdmin('root@example.org');
    await ada.get('/api/session');
    await ada.post('/api/session', { email: 'root@example.org', password });
    const { items } = (await (await ada.get('/api/admin/hosts')).json()) as { items: Host[] };
    expect(items[0]).toMatchObject({
      state: 'silent',
      reason: expect.stringMatching(/^cannot use it.*shares localhost/),
    });
    await site.close();
    await con.close();
  }, 60_000);

  it('do not meet where a host says that its apps have names below ours; below another domain they are linked to', async () => {
    const near = await testCon('near', { appsDomain: 'localhost' });
    const refusing = await testSite(withCons(near));
    const ada = await Browser.of(refusing.url, 'ada@example.org');
    const order = { app: 'nginx', version: '1', name: 'a', size: 'small' };
    expect((await ada.post('/api/containers', order)).status).toBe(503);
    await refusing.close();
    await near.close();

    const far = await testCon('far', { appsDomain: 'apps.example.net' });
    const site = await testSite(withCons(far));
    const bob = await Browser.of(site.url, 'bob@example.org');
    const { id } = (await (await bob.post('/api/containers', order)).json()) as { id: string };
    const linked = async (url: string): Promise<string | undefined> => {
      far.containers.set(id, { ...far.containers.get(id)!, state: 'stopped', url });
      expect((await bob.post(`/api/containers/${id}/start`)).status).toBe(200);
      return ContainerList.parse(await (await bob.get('/api/containers')).json()).containers[0]?.url;
    };
    expect(await linked('https://a.apps.example.net')).toMatch(/^https:\/\/a\.apps\.example\.net/);
    expect(await linked('http://a.apps.example.net')).toBeUndefined();
    expect(await linked('https://a.apps.example.net.evil.example')).toBeUndefined();
    await site.close();
    await far.close();
  }, 60_000);
});
