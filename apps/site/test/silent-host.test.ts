import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ContainerList, type Container, type Host } from '@berth/site-api';
import { Customers } from '../src/customers/customers.js';
import { Browser } from './browser.js';
import { testCon, withCons, type TestCon } from './con.js';
import { Line, type Ailment } from './line.js';
import { testSite, type TestSite } from './site.js';

const ailments: Readonly<Record<string, Ailment>> = { gone: 'refused', frozen: 'mute', slow: 'dripping' };
const cons = new Map<string, TestCon>();
const lines = new Map<string, Line>();
let site: TestSite, ada: Browser;

beforeAll(async () => {
  const settings = [];
  for (const name of ['well', ...Object.keys(ailments)]) {
    const con = await testCon(name);
    con.templates.splice(0, con.templates.length, { ...con.templates[0]!, name: `app-${name}` });
    const line = await new Line(con.port).open();
    cons.set(name, con);
    lines.set(name, line);
    settings.push({ ...con, setting: { ...con.setting, url: `http://127.0.0.1:${line.port}` } });
  }
  site = await testSite({ ...withCons(...settings), SITE_LOG_LEVEL: 'silent' });
  ada = await Browser.of(site.url, 'ada@example.org');
  for (const name of cons.keys()) {
    const order = { app: `app-${name}`, version: '1', name, size: 'small' };
    const { id } = (await (await ada.post('/api/containers', order)).json()) as { id: string };
    expect((await ada.post(`/api/containers/${id}/start`)).status).toBe(200);
  }
}, 60_000);

afterAll(async () => {
  await site.close();
  for (const line of lines.values()) await line.close();
  for (const con of cons.values()) await con.close();
});

const states = async (): Promise<Record<string, Container>> => {
  const { containers } = ContainerList.parse(await (await ada.get('/api/containers')).json());
  return Object.fromEntries(containers.map((row) => [row.name, row as unknown as Container]));
};

async function until(holds: (rows: Record<string, Container>) => boolean): Promise<Record<string, Container>> {
  for (;;) {
    const rows = await states();
    expect(rows['well']?.state).toBe('running'); // at every single poll, whatever ails the others
    if (holds(rows)) return rows;
    await new Promise((later) => setTimeout(later, 50));
  }
}

describe('A silent host', () => {
  it('says unknown of its own rows, since when and why, and leaves the others alone', async () => {
    for (const [name, ailment] of Object.entries(ailments)) await lines.get(name)?.fall(ailment);
    const rows = await until((now) => Object.keys(ailments).every((name) => now[name]?.state === 'unknown'));
    for (const name of Object.keys(ailments)) {
      expect(rows[name]?.reason).toBe(`host ${name} does not answer`);
      expect(rows[name]?.why).toEqual({ kind: 'host-silent', blanks: { host: name } });
      expect(rows[name]?.numbers).toBeUndefined();
      expect(Date.now() - Date.parse(rows[name]!.since)).toBeGreaterThanOrEqual(4_000);
    }
  }, 30_000);

  it('is asked no more often because many look', async () => {
    const mute = lines.get('frozen')!;
    const before = mute.tries;
    await Promise.all(Array.from({ length: 60 }, () => states()));
    expect(mute.tries - before).toBeLessThanOrEqual(6); // three questions, at most twice each while that takes
  });

  it('is told to admins with its reason', async () => {
    const { password } = await site.app.get(Customers).makeAdmin('root@example.org');
    const root = new Browser(site.url);
    await root.get('/api/session');
    await root.post('/api/session', { email: 'root@example.org', password });
    const { items } = (await (await root.get('/api/admin/hosts')).json()) as { items: Host[] };
    expect(items.map(({ name, state }) => [name, state])).toEqual([
      ['well', 'answering'],
      ['gone', 'silent'],
      ['frozen', 'silent'],
      ['slow', 'silent'],
    ]);
    expect(items[1]?.reason).toMatch(/^cannot reach con/);
  });

  it('refuses an act with a reason, and nothing is lost', async () => {
    const { gone } = await states();
    const answer = await ada.post(`/api/containers/${gone!.id}/stop`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toMatch(/127\.0\.0\.1/); // where our hosts are is nobody's business
    expect((await states())['gone']?.asked).toBe('stop');
  });

  it('comes back by itself', async () => {
    for (const name of Object.keys(ailments)) await lines.get(name)?.fall('well');
    await until((now) => Object.values(now).every(({ state }) => state === 'running'));
  }, 30_000);

  it('does not keep site from starting, signing up and signing in', async () => {
    for (const line of lines.values()) await line.fall('mute');
    const url = `http://127.0.0.1:${lines.get('frozen')!.port}`;
    const lonely = await testSite({ SITE_HOSTS: JSON.stringify([{ name: 'x', url, tokenVariable: 'T' }]), T: 'x' });
    const bo = await Browser.of(lonely.url, 'bo@example.org');
    expect((await bo.get('/api/containers')).status).toBe(200);
    expect((await bo.get('/api/catalogue').then((answer) => answer.json())) as { apps: [] }).toMatchObject({
      apps: [],
    });
    const order = { app: 'nginx', version: '1', name: 'a', size: 'small' };
    expect((await bo.post('/api/containers', order)).status).toBe(503);
    await lonely.close();
  }, 30_000);
});

describe('A host that answers', () => {
  it('is asked for its list once for all who look at the same time', async () => {
    const line = lines.get('well')!;
    await line.fall('well');
    const con = cons.get('well')!;
    while ((await states())['well']?.state !== 'running') await new Promise((later) => setTimeout(later, 100));
    const before = con.calls.filter((call) => call === 'containers.list').length;
    await Promise.all(Array.from({ length: 100 }, () => states()));
    expect(con.calls.filter((call) => call === 'containers.list').length - before).toBeLessThanOrEqual(3);
  }, 30_000);
});
