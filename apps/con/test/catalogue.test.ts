import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { defaultLimits } from '@berth/container';
import type { Step, Template } from '@berth/con-protocol';
import { readConfig, type Config } from '../src/config.js';
import { openDatabase } from '../src/database.js';
import { LinuxHost } from '../src/host/linux/linux.js';
import { Templates } from '../src/templates/templates.js';
import { describeReal } from './real.js';

const catalogue = join(dirname(fileURLToPath(import.meta.url)), '../../../catalogue');

type Listed = { name: string; version: string; confile: string; context: string };
const listed = JSON.parse(readFileSync(join(catalogue, 'catalogue.json'), 'utf8')) as Listed[];

/** A running app, and where it answers. */
type App = Readonly<{ slot: number; url: string }>;

let config: Config;
let host: LinuxHost;
let templates: Templates;
let take: ((body: Readable) => Promise<void>) | undefined;
const apps: App[] = [];

/** A host of its own beside whatever else runs here: another name, other addresses, other ids, other ports. */
function open(): void {
  const mark = randomBytes(2).toString('hex');
  config = readConfig(
    {
      name: `ct${mark}`,
      home: mkdtempSync(join(tmpdir(), 'con-catalogue-')),
      runDirectory: `/run/berth-${mark}`,
      addressPool: '10.91.0.0/16',
      firstId: `${65_536 * 2_000}`,
    },
    {},
  );
  host = new LinuxHost(config);
  templates = new Templates({
    database: openDatabase(join(config.home, 'con.sqlite')),
    layers: host.layers,
    runtime: host.runtime,
    home: config.home,
    receive: (_, taker) => {
      take = taker;
      return '/stream/once';
    },
    containersOn: () => 0,
    tell: (message, error) => process.stderr.write(`${message} ${String(error)}\n`),
  });
}

async function build({ name, version, confile, context }: Listed): Promise<{ template: Template; steps: Step[] }> {
  const tar = execFileSync('tar', ['--directory', join(catalogue, context), '--create', '.']);
  const order = { name, version, confile: readFileSync(join(catalogue, confile), 'utf8') };
  templates.build({ ...order, contextBytes: BigInt(tar.length) });
  await take?.(Readable.from([tar]));
  for (;;) {
    const found = templates.get({ name, version });
    if (found.template.state === 'ready') return found;
    if (found.template.state === 'failed') throw new Error(failure(found.template));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function failure({ name, version, line = 0, reason = '' }: Template): string {
  return `${name}:${version}, line ${line}: ${reason}\n${templates.log({ name, version, line }).text.slice(-3_000)}`;
}

async function start(template: string, version: string, name: string): Promise<App> {
  const slot = apps.length + 1;
  const { chain } = templates.ready(template, version);
  const address = `10.91.0.${slot + 1}`;
  const hostPort = 28_000 + Math.floor(Math.random() * 1_900);
  const app = { slot, url: `http://${host.net.appsHost}:${hostPort}` };
  apps.push(app);
  await host.layers.createVolume(slot, slot);
  const root = await host.layers.mount(slot, slot, chain);
  await host.net.open(slot, address, [{ protocol: 'tcp', hostPort, address, port: 80 }]);
  const secret = randomBytes(32).toString('hex');
  const environment = { BERTH_URL: app.url, BERTH_NAME: name, BERTH_SECRET: secret };
  await host.runtime.start(slot, { hostname: name, range: slot, root, address, limits: defaultLimits, environment });
  return app;
}

/** The first answer that is not an error of the way there. */
async function page({ url }: App, path = '/', init: RequestInit = {}): Promise<Response> {
  for (const deadline = Date.now() + 30_000; ;) {
    try {
      const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init });
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
  const [output] = await Promise.all([text(session.output), session.exit]);
  return output.trim();
}

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
  const headers = { cookie: cookies(form), origin: app.url };
  const answer = await page(app, '/admin/login/', { method: 'POST', body, headers });
  return page(app, '/admin/', { headers: { cookie: cookies(answer) } });
}

describeReal('The catalogue', () => {
  beforeAll(async () => {
    open();
    await host.prepare();
    await host.net.sync({ addresses: [], forwards: [] });
    await templates.recover();
    for (const app of listed) await build(app);
  }, 600_000);

  afterAll(async () => {
    for (const { slot } of apps) {
      await host.runtime.stop(slot, { timeoutMs: 5_000 });
      await host.layers.unmount(slot);
      await host.layers.removeVolume(slot);
    }
    await templates.close();
    for (const { name, version } of templates.list()) await templates.remove({ name, version });
    await host.teardown();
    await host.close();
    rmSync(config.home, { recursive: true });
    rmSync(config.runDirectory, { recursive: true, force: true });
  }, 120_000);

  it('is taken from the cache, line by line, when it is built again', async () => {
    for (const app of listed) {
      const { steps } = await build(app);
      expect(steps.map(({ state }) => state)).toEqual(steps.map(() => 'cached'));
    }
  }, 60_000);

  it('says what each app is, in both languages, and where it answers', () => {
    for (const { labels, ports } of templates.list()) {
      expect(ports).toEqual([80]);
      expect(Object.keys(labels).toSorted()).toEqual(
        ['berth.icon', 'berth.memory', 'berth.sentence.de', 'berth.sentence.en', 'berth.title'].toSorted(),
      );
      expect(labels['berth.icon']).toMatch(/^data:image\/svg\+xml,<svg /);
    }
  });

  it('has a page by nginx, with the name that the container was given', async () => {
    const app = await start('nginx', '1', 'my-page');
    expect(await (await page(app)).text()).toContain('<h1>my-page</h1>');
    expect(await inside(app, 'systemctl', 'list-units', '--failed', '--plain', '--no-legend')).toBe('');
  }, 60_000);

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
        headers: { cookie: cookies(book), origin: app.url },
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
    const two = await Promise.all([start('django', '3.2', 'one'), start('django', '3.2', 'two')]);
    for (const app of two) await page(app);
    for (const file of ['/etc/guestbook.env', '/var/lib/berth/login', '/etc/machine-id']) {
      const [one, other] = await Promise.all(two.map((app) => inside(app, 'cat', file)));
      expect(one).toMatch(/[\w-]{20}/);
      expect(one).not.toBe(other);
    }
    const modes = await inside(two[0] as App, 'stat', '-c', '%a %U', '/etc/guestbook.env', '/var/lib/berth/login');
    expect(modes).toBe('600 root\n600 root');
  }, 120_000);
});
