import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { conClient, type Sample } from '@berth/con-protocol';
import { pino } from 'pino';
import { readConfig } from '../src/config.js';
import { startDaemon, type Daemon } from '../src/daemon.js';
import { FakeHost } from '../src/host/fake/fake.js';
import { describeReal } from './real.js';

const template = { name: 'base', version: '1' };
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('the daemon', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'con-daemon-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const settings = (): Record<string, string> => ({ driver: 'fake', home, runDirectory: home, listenPort: '0' });
  const begin = (more = {}): Promise<Daemon> =>
    startDaemon(readConfig({ ...settings(), ...more }, {}), pino({ level: 'silent' }));
  const client = () => conClient({ socketPath: join(home, 'con.sock') });

  const until = async (state: string, read: () => Promise<string>): Promise<void> => {
    while ((await read()) !== state) await new Promise((resolve) => setImmediate(resolve));
  };
  const stateOf = async (id: string): Promise<string> => (await client()['containers.get']({ id })).container.state;

  const runOne = async (): Promise<void> => {
    const con = client();
    await con['templates.build']({ ...template, confile: 'FROM debian:bookworm\nEXPOSE 80\n' });
    await until('ready', async () => (await con['templates.get'](template)).template.state);
    await con['containers.create']({ id: 'a', name: 'a', owner: 'ann', template });
    await until('stopped', () => stateOf('a'));
    await con['containers.start']({ id: 'a' });
    await until('running', () => stateOf('a'));
  };

  /** Everything the journal says of the container, cut now. */
  const journal = async (): Promise<Sample[]> =>
    (await client()['usage.read']({ cut: true, limit: 10_000 })).samples.filter(({ container }) => container === 'a');

  const mustBeWhole = (all: readonly Sample[]): void => {
    const on = all.filter(({ state }) => state === 'running');
    expect(all.slice(1).map(({ from }) => from)).toEqual(all.slice(0, -1).map(({ to }) => to));
    const lived = Date.parse(on.at(-1)!.to) - Date.parse(on[0]!.from);
    const charged = on.reduce((sum, { runMs }) => sum + runMs, 0n);
    // Two clocks, each cut to a millisecond at each sample.
    expect(Math.abs(Number(charged) - lived)).toBeLessThanOrEqual(on.length + 1);
  };

  it('refuses a second one on its home, and takes nothing from the first', async () => {
    const first = await begin();
    await expect(begin({ runDirectory: join(home, 'other') })).rejects.toThrow(
      `cannot start: another con works in ${home}; stop it, or give this one another --home`,
    );
    expect((await client()['host.info']({})).driver).toBe('fake');
    await first.close();
    await (await begin()).close();
  }, 120_000);

  it('refuses a second one that keeps its files beside the first’s, before it touches anything', async () => {
    const first = await begin();
    const prepare = jest.spyOn(FakeHost.prototype, 'prepare');
    await expect(begin({ home: join(home, 'other-home') })).rejects.toThrow(
      /another con keeps its files in .*; stop it, or give this one another --run-directory/,
    );
    expect(prepare).not.toHaveBeenCalled();
    prepare.mockRestore();
    await first.close();
  });

  it('that may not write where it should says what helps', async () => {
    const inside = join(home, 'file', 'home'); // not even root can make a directory in a file
    writeFileSync(join(home, 'file'), '');
    await expect(begin({ home: inside })).rejects.toThrow(
      `cannot make ${inside}: run con as root, or give it --home and --run-directory where it may write`,
    );
  });

  it('that goes down leaves containers running, and the next one goes on counting', async () => {
    const first = await begin();
    await runOne();
    const { instance } = await client()['host.info']({});
    await first.close();
    const second = await begin();
    expect(await stateOf('a')).toBe('running');
    expect(await client()['host.info']({})).toMatchObject({ instance, containers: 1, running: 1, warnings: [] });
    mustBeWhole(await journal());
    await second.close();
  }, 120_000);

  it('that was killed by -9 comes back to what runs, with no second lost or doubled and no counter fallen', async () => {
    let con = await process9(settings());
    await runOne();
    const before = await journal();
    for (let kill = 0; kill < 2; kill += 1) {
      con.kill('SIGKILL');
      await once(con, 'exit');
      con = await process9(settings());
    }
    const after = await journal();
    con.kill('SIGKILL');
    await once(con, 'exit');
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.at(-1)).toMatchObject({ state: 'running', boot: 1 });
    expect(after.at(-1)!.cpuTotalNanos).toBeGreaterThan(before.at(-1)!.cpuTotalNanos);
    mustBeWhole(after);
  }, 180_000);

  it('does not send a list again that has not changed, and names another version after a restart', async () => {
    const first = await begin();
    await runOne();
    const { version } = await client()['containers.list']({});
    expect(await client()['containers.list']({ known: version })).not.toHaveProperty('containers');
    await first.close();
    const second = await begin();
    expect((await client()['containers.list']({ known: version })).containers).toHaveLength(1);
    await second.close();
  }, 120_000);

  /** A daemon in a process of its own; it answers by then. */
  async function process9(flags: Readonly<Record<string, string>>): Promise<ChildProcess> {
    const child = processOf(flags);
    for await (const chunk of child.stdout!) if (String(chunk).includes('"listening"')) break;
    return child;
  }
});

describeReal('a daemon on a real host', () => {
  it('that is to drive LXC without being root says what helps', async () => {
    const home = mkdtempSync('/var/tmp/con-daemon-');
    const nobody = jest.spyOn(process, 'getuid').mockReturnValue(65_534);
    try {
      const config = readConfig({ driver: 'linux', home, runDirectory: home, listenPort: '0' }, {});
      const started = startDaemon(config, pino({ level: 'silent' }));
      await expect(started).rejects.toThrow('run con as root, or with --driver fake');
    } finally {
      nobody.mockRestore();
      rmSync(home, { recursive: true });
    }
  });

  it('refuses a second one of its name, whose rules and interfaces would be the first’s', async () => {
    const home = mkdtempSync('/var/tmp/con-daemon-');
    const file = `/run/berth-t${process.pid % 10_000}.lock`;
    const other = new DatabaseSync(file);
    other.exec('pragma locking_mode = exclusive; begin exclusive; create table held (one); commit');
    try {
      const name = `t${process.pid % 10_000}`;
      const config = readConfig({ driver: 'linux', name, home, runDirectory: home, listenPort: '0' }, {});
      await expect(startDaemon(config, pino({ level: 'silent' }))).rejects.toThrow(
        `another con is called ${name}; stop it, or give this one another --name`,
      );
    } finally {
      other.close();
      rmSync(file);
      rmSync(home, { recursive: true });
    }
  });

  it('that cannot start says why and ends, so that it can be started again', async () => {
    const home = mkdtempSync('/var/tmp/con-daemon-');
    try {
      const [mine] = Object.values(networkInterfaces())
        .flatMap((all) => all ?? [])
        .filter(({ family, internal }) => family === 'IPv4' && !internal);
      const addressPool = mine!.address.replace(/\d+\.\d+$/, '0.0/16'); // it is in use
      const child = processOf({ driver: 'linux', home, runDirectory: home, addressPool });
      const said = text(child.stdout!);
      expect(await once(child, 'exit')).toEqual([69, null]);
      expect(await said).toContain('"msg":"cannot ');
    } finally {
      rmSync(home, { recursive: true });
    }
  }, 60_000);
});

function processOf(flags: Readonly<Record<string, string>>): ChildProcess {
  const words = Object.entries(flags).flatMap(([key, value]) => [
    `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    value,
  ]);
  const argv = [
    '--experimental-transform-types',
    '--no-warnings',
    '--import',
    pathOf('./from-source.mjs'),
    pathOf('../src/main.ts'),
    'daemon',
    ...words,
  ];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  return child;
}
