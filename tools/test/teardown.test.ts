import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeReal } from '../../apps/con/test/real.ts';
import { ensureTemplate } from '../catalogue.ts';
import { hostSnapshot } from '../changes.ts';
import { ownCon, startCon, type RunningCon } from '../con-service.ts';
import { ensureDatabase } from '../database.ts';
import type { Installation } from '../installation.ts';
import { startFileIn } from '../leftovers.ts';
import { startPostgres } from '../postgres/cluster.ts';
import { takeBack } from '../take-back.ts';

/** A setting that con raises, and that nobody misses while the test runs. */
const setting = '/proc/sys/net/ipv4/neigh/default/gc_thresh2';
const lowered = '2048';
/** Far from every range that a host already gives away, so that con has to reserve its own. */
const firstId = `${65_536 * randomInt(36_000, 48_000)}`;
/** Base systems stay there between runs. */
const bases = process.env['BERTH_TEST_CACHE'] ?? '/var/cache/berth-test';

describeReal('teardown', () => {
  const options = ownCon('linux');
  const state = options.home;
  const context = mkdtempSync(join(tmpdir(), 'berth-teardown-'));
  const installed: Installation = {
    state,
    packages: join(state, 'packages.json'),
    postgres: join(state, 'postgres'),
    roles: join(state, 'postgres', 'roles.json'),
    site: join(state, 'site'),
    con: { ...options, home: join(state, 'con'), env: { CON_FIRST_ID: firstId, CON_BASE_CACHE: bases } },
  };
  const usual = readFileSync(setting, 'utf8');
  const said: string[] = [];
  let before: ReturnType<typeof seen>;
  let con: RunningCon | undefined;

  /** What this installation has on the host, and all that it may have changed of what belongs to everyone. */
  function seen(): Readonly<Record<string, readonly string[]>> {
    const everyones = ['subuid', 'subgid', 'sysctls'];
    const marks = [options.name, `10.${options.network}.`];
    const isOurs = (line: string): boolean => marks.some((mark) => line.includes(mark));
    return Object.fromEntries(
      Object.entries(hostSnapshot()).map(([what, text]) => {
        const lines = text.split('\n');
        return [what, everyones.includes(what) ? lines : lines.filter(isOurs)];
      }),
    );
  }

  beforeAll(async () => {
    writeFileSync(join(context, 'Confile'), 'FROM debian:bookworm\nEXPOSE 80\n');
    mkdirSync(bases, { recursive: true, mode: 0o700 });
    mkdirSync(state, { recursive: true, mode: 0o755 });
    const cluster = await startPostgres({ directory: installed.postgres, binaries: state, durable: false });
    await ensureDatabase(cluster, 'berth', installed.roles);
    writeFileSync(setting, lowered);
    before = seen();
  }, 60_000);

  afterAll(async () => {
    await con?.stop();
    if (existsSync(state)) await takeBack(installed, () => undefined);
    writeFileSync(setting, usual);
    rmSync(context, { recursive: true });
  }, 60_000);

  it('finds a host that was really changed: con, a template and a running container', async () => {
    con = await startCon(installed.con, (change) => said.push(change));
    await ensureTemplate(
      con,
      { name: 'bare', version: '1', confile: join(context, 'Confile'), context },
      () => undefined,
    );
    const { client } = con;
    await client['containers.create']({ id: 'a', name: 'a', owner: 'ann', template: { name: 'bare', version: '1' } });
    await becomes('stopped');
    await client['containers.start']({ id: 'a' });
    await becomes('running');
    const changed = Object.entries(seen()).flatMap(([what, lines]) =>
      lines.join('\n') === before[what]!.join('\n') ? [] : [what],
    );
    expect(changed).toEqual(
      expect.arrayContaining(['mounts', 'links', 'routes', 'tables', 'cgroups', 'subuid', 'subgid', 'sysctls']),
    );
  }, 900_000);

  async function becomes(wanted: string): Promise<void> {
    for (let state = ''; state !== wanted; await delay(20)) {
      state = (await con!.client['containers.get']({ id: 'a' })).container.state;
      expect(state).not.toBe('failed');
    }
  }

  it('was told of every lasting change before it was made', () => {
    expect(said).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`net.ipv4.neigh.default.gc_thresh2 from ${lowered}`),
        expect.stringMatching(new RegExp(`root:${firstId}:.*/etc/subuid`)),
        expect.stringMatching(new RegExp(`root:${firstId}:.*/etc/subgid`)),
      ]),
    );
  });

  it('refuses while Berth runs, and takes nothing', async () => {
    const start = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)', 'tools/start.ts']);
    await once(start, 'spawn');
    writeFileSync(startFileIn(state), `${start.pid}\n`);
    await expect(takeBack(installed, () => undefined)).rejects.toThrow('cannot tear down: Berth is running');
    start.kill('SIGKILL');
    await once(start, 'exit');
    expect((await con!.client['containers.get']({ id: 'a' })).container.state).toBe('running');
  });

  it('leaves the host as it was before, though the container was still running and only a fake host could be run now', async () => {
    await con!.stop();
    // What is undone is what was done: a package that is missing by now must not have files erased through live mounts.
    await takeBack({ ...installed, con: { ...installed.con, driver: 'fake' } }, () => undefined);
    expect(seen()).toEqual(before);
    expect([state, options.runDirectory].filter((path) => existsSync(path))).toEqual([]);
  }, 120_000);

  it('leaves alone what it did not make, wherever the state is kept', async () => {
    mkdirSync(installed.state, { recursive: true });
    writeFileSync(join(installed.state, 'letter.txt'), 'dear all');
    await takeBack(installed, () => undefined);
    expect(readFileSync(join(installed.state, 'letter.txt'), 'utf8')).toBe('dear all');
    rmSync(installed.state, { recursive: true });
  });

  it('finds nothing to do the second time', async () => {
    await takeBack(installed, () => undefined);
    expect(seen()).toEqual(before);
  });
});
