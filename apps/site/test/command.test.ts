import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser } from './browser.js';
import { freshDatabase, type TestDatabase } from './database.js';

/** The program as it ships; `tsc -b apps/site` makes it. */
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let db: TestDatabase, directory: string;

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('cannot test the command: build it with npx tsc -b apps/site');
  db = await freshDatabase();
  directory = mkdtempSync(join(tmpdir(), 'site-command-'));
}, 60_000);
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await db.drop();
});

function start(
  words: readonly string[],
  environment: Record<string, string>,
): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, ['--no-warnings', program, ...words], { env: environment });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

async function run(
  words: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number; said: string }> {
  const { child, said } = start(words, environment);
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: said() };
}

const connected = (): Record<string, string> => ({ SITE_DATABASE_URL: db.url, SITE_DATABASE_OWNER_URL: db.ownerUrl });

describe('berth-site', () => {
  it('tells every fault of its configuration at once and exits 78', async () => {
    const config = join(directory, 'site.json');
    writeFileSync(config, JSON.stringify({ listenPort: 70_000, colour: 'red' }));
    const hosts = JSON.stringify([{ name: 'One', url: 'http://127.0.0.1:1' }]);
    const { code, said } = await run([], {
      SITE_CONFIG: config,
      SITE_HOSTS: hosts,
      SITE_BILLING_TIME_ZONE: 'Mars/Base',
    });
    expect(code).toBe(78);
    for (const fault of [/databaseUrl:/, /listenPort:/, /colour/, /hosts\.0\.name:/, /billingTimeZone:/])
      expect(said).toMatch(fault);
  });

  it.each([
    [{ SITE_BASE_URL: 'http://panel.example.org' }, /baseUrl: must be https/],
    [{ SITE_HOSTS: '[{"name":"a","url":"http://127.0.0.1:1","tokenFile":"/nowhere/token"}]' }, /cannot read its token/],
    [{ SITE_BILLING_TIME_ZONE: 'Asia/Kolkata' }, /billingTimeZone: must be whole hours from UTC/],
    [
      { SITE_HOSTS: '[{"name":"a","url":"http://203.0.113.5:7077","tokenFile":"/t"}]' },
      /hosts\.0\.url: must begin with https: beyond this machine/,
    ],
    [
      { SITE_HOSTS: '[{"name":"a","url":"https://203.0.113.5:7077","tokenFile":"/t","pin":"sha256//x"}]' },
      /hosts\.0\.url: needs a pin/,
    ],
    [{ SITE_HOSTS: '[{"name":' }, /cannot read SITE_HOSTS as JSON/],
    [{ SITE_CONFIG: '/nowhere/site.json' }, /cannot read \/nowhere\/site\.json/],
  ])('refuses %j with exit 78', async (change, reason) => {
    const { code, said } = await run([], { ...connected(), ...change } as Record<string, string>);
    expect(code).toBe(78);
    expect(said).toMatch(reason);
  });

  it('exits 64 for words it does not know', async () => {
    expect((await run(['frobnicate'], {})).code).toBe(64);
    expect((await run(['admin', 'nobody'], {})).code).toBe(64);
  });

  it('migrates, twice as well as once', async () => {
    expect(await run(['migrate'], connected())).toEqual({ code: 0, said: 'the database is up to date\n' });
  });

  it('makes the first admin, serves with no con anywhere, and stops on SIGTERM', async () => {
    const made = await run(['admin', 'root@example.org'], connected());
    const [, password = ''] = /^password (\S{20})$/m.exec(made.said) ?? [];
    expect(await run(['admin', 'root@example.org'], connected())).toEqual({
      code: 0,
      said: 'root@example.org is an admin\n',
    });
    const { child, said } = start([], { ...connected(), SITE_LISTEN_PORT: '0' });
    while (!/site listens on/.test(said())) await once(child.stdout!, 'data');
    const [url = ''] = /http:\S+/.exec(said()) ?? [];
    const browser = new Browser(url);
    await browser.get('/api/session');
    expect((await browser.post('/api/session', { email: 'root@example.org', password })).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  }, 30_000);
});
