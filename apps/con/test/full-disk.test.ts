import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { webSocketTo } from '@berth/con-protocol';
import { WebSocket } from 'ws';
import { hostSnapshot } from '../../../tools/changes.js';
import { ownCon, startCon, type RunningCon } from '../../../tools/con-service.js';
import { sweepHost } from '../../../tools/sweep.js';
import { describeReal } from './real.js';

/** Base systems stay there between runs. */
const bases = process.env['BERTH_TEST_CACHE'] ?? '/var/cache/berth-test';
const run = (program: string, ...words: string[]): string => execFileSync(program, words, { encoding: 'utf8' });

/** A con whose home is a small file system of its own. */
class SmallDisk {
  readonly options = { ...ownCon('linux'), env: { CON_BASE_CACHE: bases } };
  con: RunningCon | undefined;
  private readonly directory = mkdtempSync(join(tmpdir(), 'con-small-disk-'));

  async start(size: string): Promise<void> {
    const image = join(this.directory, 'disk.img');
    mkdirSync(bases, { recursive: true, mode: 0o700 });
    mkdirSync(this.options.home, { recursive: true });
    run('truncate', '--size', size, image);
    run('mkfs.ext4', '-q', '-m', '0', image);
    run('mount', '-o', 'loop', image, this.options.home);
    this.con = await startCon(this.options);
  }

  /** Builds a template and answers it once it is ready or failed. */
  async build(name: string, ...lines: string[]) {
    const { client } = this.con!;
    await client['templates.build']({ name, version: '1', confile: `${lines.join('\n')}\n` });
    for (;;) {
      const { template } = await client['templates.get']({ name, version: '1' });
      if (template.state !== 'building') return template;
      await delay(20);
    }
  }

  async reached(id: string, state: string): Promise<void> {
    while ((await this.con!.client['containers.get']({ id })).container.state !== state) await delay(20);
  }

  async gone(id: string): Promise<void> {
    while ((await this.con!.client['containers.list']({})).containers?.some((one) => one.id === id)) await delay(20);
  }

  /** Runs a command to its end. */
  async inside(id: string, argv: string[]): Promise<void> {
    const { stream } = await this.con!.client['containers.exec']({ id, argv, timeoutMs: 300_000 });
    const { address, ...way } = webSocketTo({ socketPath: this.con!.socket }, stream);
    const socket = new WebSocket(address, way);
    await new Promise((resolve, reject) => {
      socket
        .on('close', resolve)
        .on('error', reject)
        .on('open', () => socket.send(Buffer.alloc(0), { binary: true }));
    });
  }

  /** Ends con in one way or another, and starts it again. */
  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (signal === 'SIGTERM') await this.con!.stop();
    else await this.con!.service.stop('SIGKILL');
    this.con = await startCon(this.options);
  }

  /** Mounts, links, cgroups, tables and routes that bear this con's name, and its loop devices. */
  traces(): readonly string[] {
    const { mounts = '', links = '', cgroups = '', tables = '', routes = '' } = hostSnapshot();
    const lines = [mounts, links, cgroups, tables, routes, run('losetup', '--all')].flatMap((text) => text.split('\n'));
    const marks = [this.options.name, `10.${this.options.network}.`, this.directory];
    return lines.filter((line) => marks.some((mark) => line.includes(mark)));
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.options.home);
    return bavail * bsize;
  }

  async remove(): Promise<void> {
    await this.con?.stop();
    await sweepHost(this.options);
    run('umount', this.options.home);
    for (const directory of [this.options.home, this.directory]) rmSync(directory, { recursive: true });
  }
}

describeReal('a build on a disk that is full', () => {
  const disk = new SmallDisk();
  const megabyte = 2 ** 20;

  beforeAll(() => disk.start('700M'), 60_000);
  afterAll(() => disk.remove(), 60_000);

  it('is failed, says that the disk is full, and leaves nothing: no mount, veth, cgroup, loop, rule, and no byte', async () => {
    expect(await disk.build('bare', 'FROM debian:bookworm', 'RUN true')).toMatchObject({ state: 'ready' });
    const [before, free] = [disk.traces(), disk.freeBytes()];
    const fill = 'RUN dd if=/dev/zero of=/filling bs=1M count=2000';
    const template = await disk.build('big', 'FROM debian:bookworm', fill);
    expect(template).toMatchObject({ state: 'failed', reason: expect.stringMatching(/disk is full/) });
    expect(disk.traces()).toEqual(before);
    expect(disk.freeBytes()).toBeGreaterThan(free - 8 * megabyte);
  }, 900_000);

  it('keeps the lines above, and lets the next build succeed', async () => {
    const template = await disk.build('small', 'FROM debian:bookworm', 'RUN echo enough > /etc/enough');
    expect(template).toMatchObject({ state: 'ready' });
  }, 180_000);
});

/** Its root fills the disk to the last byte, as far as the kernel lets it. */
const filling = ['sh', '-c', 'cat /dev/zero > /filling; cat /dev/zero > /rest; true'];

describeReal('a disk that a container has filled to the last byte', () => {
  const disk = new SmallDisk();
  const order = (id: string) => ({ id, name: id, owner: 'ann', template: { name: 'bare', version: '1' } });

  beforeAll(async () => {
    await disk.start('700M');
    await disk.build('bare', 'FROM debian:bookworm', 'RUN true');
    await disk.con!.client['containers.create'](order('a'));
    await disk.reached('a', 'stopped');
    await disk.con!.client['containers.start']({ id: 'a' });
    await disk.reached('a', 'running');
    await disk.inside('a', filling);
  }, 900_000);
  afterAll(() => disk.remove(), 60_000);

  it('is named in the warnings, and takes no new container', async () => {
    expect(disk.freeBytes()).toBeLessThan(100_000);
    const { warnings } = await disk.con!.client['host.info']({});
    expect(warnings).toEqual(expect.arrayContaining([expect.objectContaining({ what: '0 % of the disk is left' })]));
    const refused = { code: 'unavailable', message: expect.stringMatching(/^cannot create b: the disk is full/) };
    await expect(disk.con!.client['containers.create'](order('b'))).rejects.toMatchObject(refused);
    await expect(disk.con!.client['containers.create'](order('a'))).resolves.toMatchObject({ container: { id: 'a' } });
  });

  it('keeps nobody from turning it off, trashing it and destroying it, by a con that was killed and one that was stopped', async () => {
    await disk.con!.client['containers.stop']({ id: 'a' });
    await disk.reached('a', 'stopped');
    const { samples } = await disk.con!.client['usage.read']({ cut: true });
    expect(samples.some(({ runMs }) => runMs > 0n)).toBe(true);
    await disk.restart('SIGKILL');
    await disk.restart('SIGTERM');
    expect((await disk.con!.client['usage.read']({})).samples.slice(0, samples.length)).toEqual(samples);
    await disk.con!.client['containers.trash']({ id: 'a' });
    await disk.reached('a', 'trashed');
    await disk.con!.client['containers.destroy']({ id: 'a' });
    await disk.gone('a');
    expect(disk.freeBytes()).toBeGreaterThan(100 * 2 ** 20);
  }, 60_000);
});

describeReal('a base that does not fit on the disk', () => {
  const disk = new SmallDisk();

  beforeAll(() => disk.start('100M'), 60_000);
  afterAll(() => disk.remove(), 60_000);

  it('is failed with that reason, leaves nothing, and con still answers', async () => {
    const before = disk.traces();
    const template = await disk.build('bare', 'FROM debian:bookworm');
    expect(template).toMatchObject({ state: 'failed', reason: expect.stringMatching(/disk is full/) });
    expect(disk.traces()).toEqual(before);
    expect((await disk.con!.client['host.info']({})).protocol).toBeGreaterThan(0);
  }, 900_000);
});
