import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from '@jest/globals';
import { conClient } from '@berth/con-protocol';

const root = fileURLToPath(new URL('../..', import.meta.url));
const state = mkdtempSync('/tmp/berth-start-');
chmodSync(state, 0o711); // PostgreSQL runs as another user
const port = 20_000 + (process.pid % 10_000);
const begun: ChildProcess[] = [];

/** `npm start` without the installing, on the fake host, with a state and ports of its own. */
function start(): { child: ChildProcess; said: () => string } {
  const built = ['--no-warnings', '--import', resolve(root, 'tools/built.ts'), resolve(root, 'tools/start.ts')];
  const env = {
    PATH: `${resolve(root, 'node_modules/.bin')}:${process.env['PATH']}`,
    BERTH_DRIVER: 'fake',
    BERTH_STATE: state,
    BERTH_PORT: `${port}`,
    BERTH_CON_PORT: `${port + 1}`,
  };
  const child = spawn(process.execPath, built, { cwd: root, env });
  begun.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

async function until(child: ChildProcess, said: () => string, words: string): Promise<void> {
  while (!said().includes(words)) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${said()}`);
    await delay(50);
  }
}

const health = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/api/health`)).status;
const ended = async (child: ChildProcess): Promise<unknown> =>
  child.exitCode ?? ((await once(child, 'exit')) as [number])[0];

afterEach(async () => {
  for (const child of begun.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGINT');
    await ended(child);
  }
});
afterAll(() => rmSync(state, { recursive: true }));

it('a start makes the first admin once; a second one beside it is refused and harms nothing; the next has all the data', async () => {
  const first = start();
  await until(first.child, first.said, 'Berth is at');
  expect(first.said()).toMatch(/password \S{12,}/);
  expect(await health()).toBe(200);

  const second = start();
  expect(await ended(second.child)).toBe(1);
  expect(second.said()).toContain(`Berth runs already, as process ${first.child.pid}`);
  expect(await health()).toBe(200);

  await until(first.child, first.said, 'The demo templates are ready');
  first.child.kill('SIGINT');
  expect(await ended(first.child)).toBe(0);
  const made = statSync(resolve(state, 'postgres')).birthtimeMs;

  const again = start();
  await until(again.child, again.said, 'Berth is at');
  expect(again.said()).not.toContain('password');
  expect(statSync(resolve(state, 'postgres')).birthtimeMs).toBe(made);
  expect(await health()).toBe(200);
}, 300_000);

it('con is started again where it dies, and the pages go on meanwhile', async () => {
  const { child, said } = start();
  await until(child, said, 'The demo templates are ready');
  const con = readdirSync('/proc').find(
    (pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(`CON_HOME=${state}/con\0`),
  );
  process.kill(Number(con), 'SIGKILL');
  await until(child, said, 'It is started again');
  expect(await health()).toBe(200);
  const socket = resolve(state, 'run/con.sock');
  await expect(answers(socket)).resolves.toBe(true);
}, 120_000);

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

async function answers(socketPath: string): Promise<boolean> {
  const con = conClient({ socketPath });
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(50)) {
    const isThere = await con['host.info']({}).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

it('a terminal that is closed, or a signal that comes twice, ends all of it; what a killed start left is ended by the next', async () => {
  const hungUp = start();
  await until(hungUp.child, hungUp.said, 'The demo templates are ready');
  hungUp.child.stdout!.destroy();
  hungUp.child.stderr!.destroy();
  hungUp.child.kill('SIGHUP');
  hungUp.child.kill('SIGTERM');
  hungUp.child.kill('SIGTERM');
  expect(await ended(hungUp.child)).toBe(0);
  expect(servicesLeft()).toEqual([]);

  const killed = start();
  await until(killed.child, killed.said, 'The demo templates are ready');
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  expect(servicesLeft()).toHaveLength(2);
  const next = start();
  await until(next.child, next.said, 'The demo templates are ready');
  expect(next.said()).toContain('Ended what a start that was killed left running.');
  expect(await health()).toBe(200);
  expect(servicesLeft()).toHaveLength(2);
}, 120_000);

/** con and site of this state, whoever began them. */
function servicesLeft(): string[] {
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(`BERTH_SERVICE=${state}/`),
  );
}

it('a port that another program has is named before anything is begun', async () => {
  const { createServer } = await import('node:net');
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const refused = start();
  expect(await ended(refused.child)).toBe(1);
  expect(refused.said()).toContain(`Port ${port} is taken by another program`);
  expect(refused.said()).toContain('BERTH_PORT');
  other.close();
}, 60_000);

it('nothing that a command needs is missing in a fresh clone: only test runs before the libraries are built', () => {
  const bootstrap = readFileSync(resolve(root, 'tools/bootstrap.mjs'), 'utf8');
  expect(bootstrap).toContain(`command === 'test' ? []`);
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) .*from '([^']+)';$/gm)) {
      expect(`${file}: ${from}`).not.toContain('@berth/');
      if (from.startsWith('.')) visit(resolve(file, '..', from));
    }
  };
  visit(resolve(root, 'tools/test.ts'));
  expect(seen.size).toBeGreaterThan(4);
});
