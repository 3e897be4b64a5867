import { randomInt } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { conClient, putStream, type ConClient, type ResultOf } from '@berth/con-protocol';
import { pino } from 'pino';
import { packContext } from '../src/cli/context.js';
import { socketPathOf } from '../src/config.js';
import { startDaemon, type Daemon } from '../src/daemon.js';
import { LinuxHost } from '../src/host/linux/linux.js';
import { cache, Ground } from './ground.js';
import { eventually } from './house.js';
import { describeReal } from './real.js';

const catalogue = join(dirname(fileURLToPath(import.meta.url)), '../../../catalogue');

type Listed = { name: string; version: string; confile: string; context: string };
const listed = JSON.parse(readFileSync(join(catalogue, 'catalogue.json'), 'utf8')) as Listed[];

type Built = ResultOf<'templates.get'>;

/** A running app: where it answers, and its number on the host, by which the test looks inside. */
type App = Readonly<{ id: string; url: string; slot: number }>;

let ground: Ground;
let host: LinuxHost;
let daemon: Daemon;
let con: ConClient;
const apps: App[] = [];

/** A whole con on a real host, its base systems from the tests' own store. */
async function open(): Promise<void> {
  const firstPort = 20_000 + 100 * randomInt(90);
  const ports = { firstPort: `${firstPort}`, lastPort: `${firstPort + 99}`, listenPort: '0' };
  ground = new Ground({ firstId: '1048576', baseCache: cache, ...ports });
  host = new LinuxHost(ground.config);
  daemon = await startDaemon(ground.config, pino({ level: 'warn' }, process.stderr), host);
  con = conClient({ socketPath: socketPathOf(ground.config) });
}

async function build({ name, version, confile, context }: Listed): Promise<Built> {
  await using files = await packContext(join(catalogue, context), (path) => {
    throw new Error(`${path} cannot be sent`);
  });
  const order = { name, version, confile: readFileSync(join(catalogue, confile), 'utf8') };
  const { upload = '' } = await con['templates.build']({ ...order, contextBytes: files.bytes });
  const endpoint = { socketPath: daemon.socketPath };
  await putStream(endpoint, upload, files.bytes, createReadStream(files.file));
  for (;;) {
    const found = await con['templates.get']({ name, version });
    if (found.template.state === 'ready') return found;
    if (found.template.state === 'failed') throw new Error(await failure(found));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function failure({ template: { name, version, line = 0, reason = '' } }: Built): Promise<string> {
  const { text } = await con['templates.log']({ name, version, line });
  return `${name}:${version}, line ${line}: ${reason}\n${text.slice(-3_000)}`;
}

async function start(template: string, version: string, name: string): Promise<App> {
  const before = new Set((await host.runtime.running()).map(({ slot }) => slot));
  await con['containers.create']({ id: name, name, owner: 'catalogue', template: { name: template, version } });
  const container = await until(name, 'stopped').then(() => con['containers.start']({ id: name }));
  const { url = '' } = (await until(name, 'running')) ?? container;
  const slot = (await host.runtime.running()).find((running) => !before.has(running.slot))?.slot ?? 0;
  const app = { id: name, url, slot };
  apps.push(app);
  return app;
}

async function until(id: string, state: string): Promise<ResultOf<'containers.get'>['container']> {
  for (;;) {
    const { container } = await con['containers.get']({ id });
    if (container.state === state) return container;
    if (container.state === 'failed') throw new Error(container.reason);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The first answer that is not an error of the way there. */
async function page({ url }: App, path = '/', init: RequestInit = {}): Promise<Response> {
  for (const deadline = Date.now() + 30_000; ;) {
    try {
      const response = await fetch(new URL(path, url), { redirect: 'manual', ...init });
      if (response.status < 500) return response;
      if (Date.now() > deadline) throw new Error(`${url}${path} answers ${response.status}`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function inside({ slot }: App, ...argv: string[]): Promise<string> {
  const session = host.runtime.exec(slot, argv);
  session.input.end();
  const [output] = await Promise.all([text(session.output), session.exit]);
  return output.trim();
}

/** What a browser would send along. */
const origin = ({ url }: App): string => new URL(url).origin;

/** The name and value of each cookie, as a browser would send them back. */
const cookies = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');

const formToken = (html: string): string => /csrfmiddlewaretoken" value="([^"]+)"/.exec(html)?.[1] ?? '';

/** Signs in to Django's admin with the login that the dashboard would show; answers the admin's first page. */
async function signIn(app: App): Promise<Response> {
  const login = await inside(app, 'cat', '/var/lib/berth/login');
  const [, user = '', password = ''] = /^user=(.+)\npassword=(.+)$/.exec(login) ?? [];
  const form = await page(app, '/admin/login/');
  const body = new URLSearchParams({
    csrfmiddlewaretoken: formToken(await form.text()),
    username: user,
    password,
    next: '/admin/',
  });
  const headers = { cookie: cookies(form), origin: origin(app) };
  const answer = await page(app, '/admin/login/', { method: 'POST', body, headers });
  return page(app, '/admin/', { headers: { cookie: cookies(answer) } });
}

describeReal('The catalogue', () => {
  beforeAll(async () => {
    await open();
    for (const app of listed) await build(app);
  }, 600_000);

  afterAll(async () => {
    for (const { id } of apps) {
      await con['containers.trash']({ id });
      await until(id, 'trashed');
      await con['containers.destroy']({ id });
    }
    await daemon.close();
    await host.net.remove();
    await ground.leave();
  }, 120_000);

  it('cannot lose a template that a container stands on', async () => {
    const app = await start('nginx', '1', 'kept');
    await expect(con['templates.remove']({ name: 'nginx', version: '1' })).rejects.toMatchObject({ code: 'conflict' });
    expect((await page(app)).status).toBe(200);
  }, 180_000);

  it('is taken from the cache, line by line, when it is built again', async () => {
    for (const app of listed) {
      const { steps } = await build(app);
      expect(steps.map(({ state }) => state)).toEqual(steps.map(() => 'cached'));
    }
  }, 180_000);

  it('says what each app is, in both languages, and where it answers', async () => {
    for (const { name, labels, ports } of (await con['templates.list']({})).templates) {
      expect(ports).toEqual([80]);
      const shown = ['berth.icon', 'berth.memory', 'berth.sentence.de', 'berth.sentence.en', 'berth.title'];
      expect(Object.keys(labels)).toEqual(expect.arrayContaining(shown));
      expect(labels['berth.login']).toBe(name === 'django' ? '1' : undefined);
      expect(labels['berth.icon']).toMatch(/^data:image\/svg\+xml,<svg /);
    }
  });

  it('has a page by nginx, with the name that the container was given', async () => {
    const app = await start('nginx', '1', 'my-page');
    expect(await (await page(app)).text()).toContain('<h1>my-page</h1>');
    expect(await inside(app, 'systemctl', 'list-units', '--failed', '--plain', '--no-legend')).toBe('');
  }, 180_000);

  it.each(['3.2', '4.2'])(
    'has a Django %s whose guestbook, admin and styles work with the login shown',
    async (version) => {
      const app = await start('django', version, `django-${version.replace('.', '-')}`);
      const book = await page(app);
      const body = new URLSearchParams({
        csrfmiddlewaretoken: formToken(await book.text()),
        name: 'Ada',
        text: 'Hi <b>',
      });
      const posted = await page(app, '/', {
        method: 'POST',
        body,
        headers: { cookie: cookies(book), origin: origin(app) },
      });
      expect(posted.status).toBe(302);
      expect(await (await page(app)).text()).toContain('<p>Hi &lt;b&gt;</p>');
      const admin = await signIn(app);
      expect([admin.status, await admin.text()]).toEqual([200, expect.stringContaining('/admin/notes/note/')]);
      for (const path of ['/static/admin/css/base.css', '/static/notes/page.css']) {
        expect((await page(app, path)).headers.get('content-type')).toMatch(/^text\/css/);
      }
      expect(await inside(app, 'python3', '-m', 'django', '--version')).toMatch(new RegExp(`^${version}`));
      expect(await inside(app, 'systemctl', 'list-units', '--failed', '--plain', '--no-legend')).toBe('');
    },
    120_000,
  );

  it('lets two containers of one template share no secret, key, login or machine id', async () => {
    const two = [await start('django', '3.2', 'one'), await start('django', '3.2', 'two')];
    for (const app of two) await page(app);
    for (const file of ['/etc/guestbook.env', '/var/lib/berth/login', '/etc/machine-id']) {
      const [one, other] = await Promise.all(two.map((app) => inside(app, 'cat', file)));
      expect(one).toMatch(/[\w-]{20}/);
      expect(one).not.toBe(other);
    }
    const modes = await inside(two[0] as App, 'stat', '-c', '%a %U', '/etc/guestbook.env', '/var/lib/berth/login');
    expect(modes).toBe('600 root\n600 root');
  }, 120_000);

  it('is not added to with a private key baked in, wherever it lies and whatever it is called', async () => {
    const key = '-----BEGIN RSA PRIVATE KEY-----';
    const places = ['/var/www/server.crt', '/app/tls', '/usr/local/etc/k.pem', '/srv/x/ssh_host_rsa_key'];
    const lines = places.map((path) => `RUN mkdir -p $(dirname ${path}) && echo "${key}" > ${path}`);
    const about = 'RUN echo "a text that speaks of a -----BEGIN PRIVATE KEY-----" > /srv/about.txt';
    const confile = ['FROM nginx:1', ...lines, about, ''].join('\n');
    await con['templates.build']({ name: 'baked', version: '1', confile });
    const built = await eventually(async () => {
      const { template } = await con['templates.get']({ name: 'baked', version: '1' });
      return template.state === 'building' ? undefined : template;
    });
    expect(built.state).toBe('failed');
    for (const path of places) expect(built.reason).toContain(path);
    expect(built.reason).not.toContain('about.txt');
    await con['templates.remove']({ name: 'baked', version: '1' });
  }, 180_000);
});
