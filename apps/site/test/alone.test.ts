import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Browser } from './browser.js';
import { freshDatabase, type TestDatabase } from './database.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

describe('site out of its tarball, alone in an empty place, with no con anywhere', () => {
  const home = mkdtempSync(join(tmpdir(), 'site-alone-'));
  const program = join(home, 'node_modules/@berth/site/dist/main.js');
  let db: TestDatabase, environment: Record<string, string>, site: ChildProcess, url: string;

  /** Nothing of this clone's environment reaches it. */
  const command = (word: string) =>
    run(process.execPath, ['--no-warnings', program, word], { cwd: home, env: environment });

  beforeAll(async () => {
    const node = { cwd: root };
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'apps/site'], node);
    const { stdout } = await run(process.execPath, [join(root, 'tools/pack.mjs'), 'site', home], node);
    writeFileSync(join(home, 'package.json'), '{"private":true}');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    await run('npm', ['install', ...flags, stdout.trim()], { cwd: home });
    db = await freshDatabase({ migrated: false });
    environment = { SITE_DATABASE_URL: db.url, SITE_DATABASE_OWNER_URL: db.ownerUrl, SITE_LISTEN_PORT: '0' };
  }, 180_000);

  afterAll(async () => {
    site?.kill('SIGKILL');
    await db?.drop();
    rmSync(home, { recursive: true });
  });

  it('makes its tables in an empty database', async () => {
    expect((await command('migrate')).stdout).toMatch(/^applied .*customers/i);
    expect((await command('migrate')).stdout).toBe('the database is up to date\n');
  }, 30_000);

  it('starts, and is well', async () => {
    site = spawn(process.execPath, ['--no-warnings', program], { cwd: home, env: environment });
    let said = '';
    site.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!/site listens on/.test(said)) {
      await Promise.race([once(site.stdout!, 'data'), once(site, 'exit')]);
      if (site.exitCode !== null) throw new Error(`site ended with ${site.exitCode}: ${said}`);
    }
    [url = ''] = /http:\S+/.exec(said) ?? [];
    expect((await fetch(`${url}/api/health`)).status).toBe(200);
  }, 30_000);

  it('signs a customer up and in, and shows an empty list and a trial credit', async () => {
    const browser = await Browser.of(url, 'alone@example.org');
    expect(await (await browser.get('/api/session')).json()).toMatchObject({
      customer: { email: 'alone@example.org' },
    });
    expect(await (await browser.get('/api/containers')).json()).toMatchObject({ containers: [] });
    expect(await (await browser.get('/api/billing')).json()).toMatchObject({ balanceNanos: '5000000000' });
  });

  it('serves the dashboard that travels in its package, scripts and all', async () => {
    const page = await fetch(`${url}/containers`);
    const text = await page.text();
    expect([page.status, text]).toEqual([200, expect.stringContaining('<berth-root')]);
    const [, script = ''] = /src="([^"]+\.js)"/.exec(text) ?? [];
    const answer = await fetch(`${url}/${script}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('javascript')]);
  });

  it('stops in order when told, even while somebody never reads what was answered', async () => {
    const [, script = ''] = /src="([^"]+\.js)"/.exec(await (await fetch(`${url}/`)).text()) ?? [];
    const { hostname, port } = new URL(url);
    const deaf = connect({ host: hostname, port: Number(port) }).pause();
    deaf.on('error', () => undefined); // it is cut off
    await once(deaf, 'connect');
    deaf.write(`GET /${script} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`.repeat(1_000)); // more than buffers hold
    await fetch(`${url}/api/health`);
    site.kill('SIGTERM');
    expect(await once(site, 'exit')).toEqual([0, null]);
  }, 30_000);
});
