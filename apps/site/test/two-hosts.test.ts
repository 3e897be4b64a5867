import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Billing, ContainerList, type Container, type Session } from '@berth/site-api';
import { startFakeCon, type FakeCon } from '../../con/test/fake-con.js';
import { Browser } from './browser.js';
import { testSite, type TestSite } from './site.js';

const confile = 'FROM debian:bookworm\nEXPOSE 80\nLABEL berth.title="nginx" berth.memory="128MiB"\n';
const cons: FakeCon[] = [];
let site: TestSite, ada: Browser;

/** Two whole daemons on the fake host, each with the template; the second is spoken to as if it were far away. */
beforeAll(async () => {
  for (const [firstPort, listenHost] of [['20000'], ['25000', '0.0.0.0']] as const) {
    const far: Record<string, string> = listenHost ? { listenHost } : {};
    const con = await startFakeCon({ appsHost: '192.0.2.1', firstPort, sampleSeconds: '0.5', ...far });
    cons.push(con);
    await con.client['templates.build']({ name: 'nginx', version: '1', confile });
    await until(
      async () => (await con.client['templates.get']({ name: 'nginx', version: '1' })).template.state === 'ready',
    );
  }
  const hosts = await Promise.all(
    cons.map(async ({ client, url }, at) => {
      const { pin } = await client['host.info']({});
      const door = pin === undefined ? { url } : { url: url.replace('http:', 'https:'), pin };
      return { name: `host-${at}`, ...door, tokenVariable: `TOKEN_${at}` };
    }),
  );
  const tokens = Object.fromEntries(cons.map(({ token }, at) => [`TOKEN_${at}`, token]));
  site = await testSite({ SITE_HOSTS: JSON.stringify(hosts), ...tokens, SITE_LOG_LEVEL: 'silent' });
  ada = await Browser.of(site.url, 'ada@example.org');
}, 60_000);
afterAll(async () => {
  await site.close();
  for (const con of cons) await con.stop();
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((later) => setTimeout(later, 50));
}

const list = async (): Promise<readonly Container[]> =>
  ContainerList.parse(await (await ada.get('/api/containers')).json()).containers as unknown as Container[];

describe('A site with two hosts', () => {
  it('says on every page that they pretend', async () => {
    expect(((await (await ada.get('/api/session')).json()) as Session).demo).toBe(true);
  });

  it('spreads containers over both, turns them on and off, and shows what they use and cost', async () => {
    for (const name of ['first', 'second']) {
      const answer = await ada.post('/api/containers', { app: 'nginx', version: '1', name, size: 'small' });
      expect(answer.status).toBe(200);
    }
    await until(async () => (await list()).every(({ state }) => state === 'stopped'));
    expect((await list()).map(({ host }) => host).sort()).toEqual(['host-0', 'host-1']);
    for (const { id } of await list()) expect((await ada.post(`/api/containers/${id}/start`)).status).toBe(200);
    await until(async () => (await list()).every(({ state, numbers }) => state === 'running' && numbers !== undefined));
    for (const { url } of await list()) expect(url).toMatch(/^http:\/\/192\.0\.2\.1:2\d{4}\/?$/);
    await until(async () => (await list()).every(({ costTodayNanos }) => costTodayNanos > 0n));
    const billing = Billing.parse(await (await ada.get('/api/billing')).json());
    expect(billing.balanceNanos).toBe(5_000_000_000n);
    expect(billing.unbilledNanos).toBeGreaterThan(0n);
    for (const { id } of await list()) await ada.post(`/api/containers/${id}/stop`);
    await until(async () => (await list()).every(({ state, asked }) => state === 'stopped' && asked === undefined));
  }, 60_000);

  it('keeps what one of them has when the other is gone', async () => {
    await cons[1]!.stop();
    cons.pop();
    await until(async () => (await list()).some(({ state }) => state === 'unknown'));
    expect(Object.fromEntries((await list()).map(({ host, state }) => [host, state]))).toEqual({
      'host-0': 'stopped',
      'host-1': 'unknown',
    });
    const answer = await ada.post('/api/containers', { app: 'nginx', version: '1', name: 'third', size: 'small' });
    expect(((await answer.json()) as Container).host).toBe('host-0');
  }, 60_000);
});
