import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
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
