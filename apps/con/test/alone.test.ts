import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program to its end; a code other than 0 is an answer too. */
function run(file: string, argv: readonly string[], cwd: string): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(file, argv, { cwd, maxBuffer: 2 ** 24 }, (_, out, err) => {
      resolve({ code: child.exitCode ?? 1, out, err });
    });
  });
}

describe('con out of its tarball, alone in an empty place', () => {
  const home = mkdtempSync(join(tmpdir(), 'con-alone-'));
  const main = join(home, 'node_modules/@berth/con/dist/main.js');
  const socket = join(home, 'run/con.sock');
  let daemon: ChildProcess;

  const con = (...words: string[]) => run(process.execPath, [main, '--socket', socket, ...words], home);

  beforeAll(async () => {
    const built = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'apps/con'], root);
    expect(built).toMatchObject({ code: 0 });
    const packed = await run(process.execPath, [join(root, 'tools/pack.mjs'), 'con', home], root);
    writeFileSync(join(home, 'package.json'), '{"private":true}');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
    const installed = await run('npm', ['install', ...flags, packed.out.trim()], home);
    expect(installed).toMatchObject({ code: 0 });
    const settings = ['--driver', 'fake', '--home', join(home, 'home'), '--run-directory', join(home, 'run')];
    daemon = spawn(process.execPath, [main, 'daemon', ...settings, '--listen-port', '0'], { cwd: home });
    await new Promise<void>((resolve, reject) => {
      daemon.stdout?.on('data', (chunk) => String(chunk).includes('listening') && resolve());
      daemon.on('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
    });
  }, 60_000);

  afterAll(() => {
    daemon.kill('SIGKILL');
    rmSync(home, { recursive: true });
  });

  it('helps without a daemon', async () => {
    const { code, out } = await run(process.execPath, [main, '--help'], home);
    expect([code, out]).toEqual([0, expect.stringContaining('Short forms:')]);
  });

  it('builds, creates, starts, runs a command, stops and throws away', async () => {
    const context = join(home, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'Confile'), 'FROM debian:trixie\nCOPY index.html /var/www/\nEXPOSE 80\n');
    writeFileSync(join(context, 'index.html'), '<h1>');
    expect(await con('build', 'web:1', context)).toMatchObject({
      code: 0,
      out: expect.stringContaining('web:1 is ready'),
    });
    expect(await con('tree')).toMatchObject({ code: 0, out: expect.stringContaining('[web:1]') });
    expect(await con('create', 'shop', 'web:1')).toMatchObject({ code: 0, out: 'shop is stopped\n' });
    expect(await con('start', 'shop')).toMatchObject({ code: 0, out: expect.stringContaining('shop is running') });
    expect(await con('exec', 'shop', '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 });
    expect(await con('stop', 'shop')).toMatchObject({ code: 0 });
    expect(await con('remove', 'shop')).toMatchObject({ code: 0, out: 'shop is trashed\n' });
    expect(JSON.parse((await con('list', '--json')).out).containers).toEqual([
      expect.objectContaining({ state: 'trashed' }),
    ]);
  });

  it('tells every fault of its configuration at once, and exits with 78', async () => {
    const { code, err } = await run(process.execPath, [main, 'daemon', '--name', 'X!', '--listen-port', '99999'], home);
    expect([code, err]).toEqual([78, expect.stringMatching(/name: [^]*listenPort: /)]);
  });

  it('refuses a second daemon at its socket', async () => {
    const settings = ['--driver', 'fake', '--home', join(home, 'other'), '--run-directory', join(home, 'run')];
    expect(await run(process.execPath, [main, 'daemon', ...settings], home)).toMatchObject({ code: 69 });
    expect(await con('list')).toMatchObject({ code: 0 });
  });

  it('keeps its token to its owner, and goes down in order when told', async () => {
    expect(readFileSync(join(home, 'home/token'), 'utf8')).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await con('list')).toMatchObject({ code: 69, err: expect.stringContaining('con daemon') });
  });
});
