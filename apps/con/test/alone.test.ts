import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../src/config.js';
import { LinuxHost } from '../src/host/linux/linux.js';
import { PackedCon, run } from './packed.js';
import { describeReal } from './real.js';

describe('con out of its tarball, alone in an empty place', () => {
  const packed = new PackedCon();
  const { home } = packed;
  const con = (...words: string[]) => packed.con(...words);

  beforeAll(async () => {
    await packed.install('--omit=optional');
    await packed.start(['--driver', 'fake']);
  }, 180_000);

  afterAll(async () => {
    await packed.stop();
    packed.remove();
  });

  it('needs nothing of the real host for the fake one: koffi is not there', () => {
    expect(existsSync(join(home, 'node_modules/koffi'))).toBe(false);
  });

  it('helps without a daemon', async () => {
    const { code, out } = await packed.run('--help');
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
    const { code, err } = await packed.run('daemon', '--name', 'X!', '--listen-port', '99999');
    expect([code, err]).toEqual([78, expect.stringMatching(/name: [^]*listenPort: /)]);
  });

  it('refuses a second daemon at its socket', async () => {
    const settings = ['--driver', 'fake', '--home', join(home, 'other'), '--run-directory', join(home, 'run')];
    expect(await packed.run('daemon', ...settings)).toMatchObject({ code: 69 });
    expect(await con('list')).toMatchObject({ code: 0 });
  });

  it('keeps its token to its owner, and goes down in order when told', async () => {
    expect(readFileSync(join(home, 'home/token'), 'utf8')).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect(await packed.stop()).toBe(0);
    expect(await con('list')).toMatchObject({ code: 69, err: expect.stringContaining('con daemon') });
  });
});

describeReal('con out of its tarball, alone on a real host', () => {
  const name = `t${randomInt(36 ** 4).toString(36)}`;
  const network = randomInt(100, 250);
  const port = 31_000 + randomInt(1_000);
  const packed = new PackedCon(`/run/berth-test/${name}`);
  let url: string;
  const settings = {
    name,
    'address-pool': `10.${network}.0.0/16`,
    'first-port': `${port}`,
    'last-port': `${port}`,
  };

  beforeAll(async () => {
    await packed.install();
    await packed.start(Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]));
  }, 180_000);

  afterAll(async () => {
    await packed.stop();
    await clearHost();
    packed.remove();
  }, 180_000);

  it('builds a page from its Confile, creates, starts, and curl gets the page at the forwarded port', async () => {
    const context = join(packed.home, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'index.html'), '<h1>Alone</h1>\n');
    writeFileSync(
      join(context, 'Confile'),
      [
        'FROM debian:bookworm',
        'RUN apt-get update && apt-get install -y --no-install-recommends nginx-light',
        'COPY index.html /var/www/html/',
        'EXPOSE 80',
        '',
      ].join('\n'),
    );
    const built = await packed.con('build', 'page:1', context);
    expect(built).toMatchObject({ code: 0, out: expect.stringContaining('page:1 is ready') });
    expect(await packed.con('create', 'shop', 'page:1')).toMatchObject({ code: 0 });
    expect(await packed.con('start', 'shop')).toMatchObject({ code: 0 });
    url = JSON.parse((await packed.con('list', '--json')).out).containers[0].url;
    expect(url).toMatch(new RegExp(`^http://.*:${port}$`));
    // curl itself waits for nginx: LXC says "running" before any service listens.
    const retries = ['--retry', '20', '--retry-connrefused', '--retry-delay', '1', '--retry-all-errors'];
    const page = await run('curl', ['-sS', '--max-time', '30', ...retries, url], packed.home);
    expect(page).toMatchObject({ code: 0, out: '<h1>Alone</h1>\n' });
  }, 600_000);

  it('stops and throws the container away, and its port answers no more', async () => {
    expect(await packed.con('stop', 'shop')).toMatchObject({ code: 0 });
    expect(await packed.con('remove', 'shop')).toMatchObject({ code: 0 });
    const page = await run('curl', ['-sS', '--max-time', '2', url], packed.home);
    expect(page.code).not.toBe(0);
  }, 180_000);

  /** The settings of the kernel stay: others on this host stand on them. */
  async function clearHost(): Promise<void> {
    const { runDirectory } = packed;
    const flags = { name, runDirectory, home: join(packed.home, 'home'), addressPool: settings['address-pool'] };
    const host = new LinuxHost(readConfig(flags, {}));
    rmSync(join(flags.home, 'changes.json'), { force: true });
    await host.teardown();
    await host.close();
    rmSync(runDirectory, { recursive: true, force: true });
  }
});
