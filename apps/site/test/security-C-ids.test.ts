import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { routes, type Route, type RouteName } from '@berth/site-api';
import { pino } from 'pino';
import { Customers } from '../src/customers/customers.js';
import { rowOf } from '../src/http/serves.js';
import { SiteModule } from '../src/site.module.js';
import { Browser } from './browser.js';
import { testCon, withCons, type TestCon } from './con.js';
import { testSite, type TestSite } from './site.js';

const table = Object.entries(routes) as [RouteName, Route][];
type Who = 'owner' | 'other' | 'anonymous' | 'admin';

let con: TestCon, site: TestSite, container: string, invoice: string, owner: string;
const browsers = {} as Record<Who, Browser>;

beforeAll(async () => {
  con = await testCon('one');
  site = await testSite(withCons(con));
  browsers.owner = await Browser.of(site.url, 'owner@example.org');
  browsers.other = await Browser.of(site.url, 'other@example.org');
  browsers.anonymous = new Browser(site.url);
  await browsers.anonymous.get('/api/session');
  browsers.admin = await adminOf(site);
  container = await idOf(
    browsers.owner.post('/api/containers', { app: 'django', version: '3.2', name: 'mine', size: 'small' }),
  );
  await browsers.owner.post(`/api/containers/${container}/start`);
  owner = (await site.db.query<{ id: string }>(`select id from customer where email = 'owner@example.org'`))[0]!.id;
  invoice = await issueTo(owner);
}, 60_000);
afterAll(async () => {
  await site.close();
  await con.close();
});

async function adminOf({ app, url }: TestSite): Promise<Browser> {
  const { password } = await app.get(Customers).makeAdmin('root@example.org');
  const browser = new Browser(url);
  await browser.get('/api/session');
  await browser.post('/api/session', { email: 'root@example.org', password });
  return browser;
}

async function idOf(answer: Promise<Response>): Promise<string> {
  return ((await (await answer).json()) as { id: string }).id;
}

/** An hour of use, invoiced. */
async function issueTo(customer: string): Promise<string> {
  const from = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000);
  const sample = {
    seq: 1n,
    container,
    boot: 1,
    tariffTag: con.containers.get(container)!.tariffTag,
    state: 'running' as const,
    from: from.toISOString(),
    to: new Date(from.getTime() + 3_000_000).toISOString(),
    runMs: 3_000_000n,
    ...{ cpuNanos: 0n, memoryByteSeconds: 0n, diskByteSeconds: 0n, bytesIn: 0n, bytesOut: 0n },
    ...{ cpuTotalNanos: 0n, bytesInTotal: 0n, bytesOutTotal: 0n },
  };
  con.instead['usage.read'] = async ({ after }) => ({
    instance: 'test',
    samples: (after ?? 0n) < 1n ? [sample] : [],
    next: 1n,
    completeUntil: new Date().toISOString(),
    observedAt: new Date().toISOString(),
  });
  const answer = await browsers.admin.post(`/api/admin/customers/${customer}/invoices`);
  return ((await answer.json()) as { invoice: { number: string } }).invoice.number;
}

/** A body that the row accepts, so that only the person can be what is refused. */
function bodyFor(name: RouteName): unknown {
  const bodies: Partial<Record<RouteName, unknown>> = {
    'session.create': { email: 'nobody@example.org', password: 'wrong' },
    'customers.create': { email: 'new@example.org', password: 'long enough', name: 'N', locale: 'en' },
    'customers.update': { locale: 'en' },
    'containers.create': { app: 'nginx', version: '1', name: `n-${randomUUID()}`, size: 'small' },
    'containers.rename': { name: 'another' },
    'admin.topUp': { nanos: '1000000000', reference: randomUUID() },
  };
  return bodies[name];
}

function pathOf(name: RouteName, path: string): string {
  const id = name.startsWith('admin.') ? owner : container;
  const template = { host: 'one', name: 'nginx', version: '1', line: '1', offset: '0' };
  const words: Readonly<Record<string, string>> = { id, number: invoice, snapshot: 'kept', ...template };
  return path.replace(/:(\w+)/g, (_, word: string) => words[word] ?? '');
}

const ask = (who: Who, [name, { method, path }]: [RouteName, Route]): Promise<Response> =>
  browsers[who].send(method, pathOf(name, path), method === 'GET' ? undefined : (bodyFor(name) ?? {}));

const closed = table.filter(([, { who }]) => who !== 'anyone');
const withId = closed.filter(([name, { path }]) => path.includes('/:') && !name.startsWith('admin.'));

describe('Every id of every request is authorised', () => {
  it.each(closed)('%s answers nobody who is not signed in', async (...route) => {
    const answer = await ask('anonymous', route);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'unauthenticated']);
  });

  it.each(closed.filter(([, { who }]) => who === 'admin'))(
    '%s is for admins, and who else tries is noted',
    async (...route) => {
      const noted = async () =>
        (
          await site.db.query<{ n: number }>(
            `select count(*)::int as n from audit_event where act = $1 and outcome = 'forbidden'`,
            [route[0]],
          )
        )[0]!.n;
      const before = await noted();
      for (const who of ['owner', 'other'] as const) {
        const answer = await ask(who, route);
        expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, 'forbidden']);
      }
      expect(await noted()).toBe(before + 2);
    },
  );

  it.each(withId)('%s does not know what belongs to another', async (...route) => {
    // Admins see every invoice, because they answer for them; no container is theirs.
    const strangers: Who[] = route[0].startsWith('invoices.') ? ['other'] : ['other', 'admin'];
    for (const who of strangers) {
      const answer = await ask(who, route);
      const text = await answer.text();
      expect(answer.status).toBe(404);
      for (const secret of ['mine', 's3cret', owner, 'owner@example.org']) expect(text).not.toContain(secret);
    }
    expect(con.containers.get(container)?.state).toBe('running');
  });

  it.each(withId.filter(([, { method }]) => method === 'GET'))('%s knows what is one own', async (...route) => {
    expect((await ask('owner', route)).status).toBe(200);
  });

  it.each(['containers.list', 'invoices.list'] as const)('%s lists what is one own and nothing else', async (name) => {
    const lengths = async (who: Who): Promise<number> => {
      const body = (await (await ask(who, [name, routes[name]])).json()) as { containers?: []; items?: [] };
      return (body.containers ?? body.items ?? []).length;
    };
    expect([await lengths('owner'), await lengths('other'), await lengths('admin')]).toEqual([1, 0, 0]);
  });

  it('lets an admin do what admins do', async () => {
    for (const route of closed.filter(([, { who }]) => who === 'admin')) {
      expect([route[0], (await ask('admin', route)).status]).toEqual([route[0], 200]);
    }
  });
});

@Module({})
class Planted {}

@Controller()
class Rogue {
  @Get('/api/rogue')
  tell(): string {
    return 'a secret';
  }
}

describe('What has no row in the route table', () => {
  it('answers nobody', async () => {
    const { config } = site;
    const module = {
      module: Planted,
      imports: [SiteModule.of(config, pino({ level: 'silent' }))],
      controllers: [Rogue],
    };
    const app = await NestFactory.create(module, { logger: false });
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await app.getUrl()}/api/rogue`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain('a secret');
    await app.close();
  });

  it('does not exist: every method of every controller has one, and every row its method', () => {
    const handlers = [...site.app.get(ModulesContainer).values()]
      .flatMap(({ controllers }) => [...controllers.values()])
      .flatMap(({ metatype }) => methodsOf(metatype as { prototype: object }));
    const names = handlers.map((handler) => rowOf(handler)?.name);
    expect(names).not.toContain(undefined);
    expect([...names].sort()).toEqual(Object.keys(routes).sort());
  });

  it('is a 404 in the same form as every refusal', async () => {
    const answer = await browsers.owner.get('/api/nothing/here');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

function methodsOf({ prototype }: { prototype: object }): object[] {
  return Object.getOwnPropertyNames(prototype)
    .filter((name) => name !== 'constructor')
    .map((name) => Reflect.get(prototype, name) as object)
    .filter((method) => typeof method === 'function' && Reflect.hasMetadata('path', method));
}
