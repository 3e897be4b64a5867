import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { must, run } from '../src/host/linux/exec.js';
import { OverlayLayers } from '../src/host/linux/layers.js';
import { Space } from '../src/storage/space.js';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

const MiB = 2n ** 20n;
const size = 64n * MiB;

describeReal('the disk of a container', () => {
  const ground = new Ground();
  const { layers, shelf, config } = ground;
  let root = '';
  beforeAll(async () => {
    await layers.prepare();
    mkdirSync(shelf.layer(1), { recursive: true });
    const owner = `${firstIdOf(config, 0)}:${firstIdOf(config, 0)}`;
    await must(['chown', '--recursive', owner, shelf.layer(1)]);
    await layers.createVolume(1, 5, size);
    root = await layers.mount(1, 5, [1]);
  });
  afterAll(() => ground.leave(), 60_000);

  /** As root of the container, whom its user namespace gives no power over the host's reserve. */
  const write = async (name: string, mebibytes: number) => {
    const id = String(firstIdOf(config, 5));
    const inside = [
      'setpriv',
      `--reuid=${id}`,
      `--regid=${id}`,
      '--clear-groups',
      '--bounding-set=-all',
      '--inh-caps=-all',
    ];
    // The way to a root leads through directories of others: the file is opened first, the ids given up then.
    const words = ['dd', 'if=/dev/zero', 'bs=1M', `count=${mebibytes}`, 'conv=fsync'];
    const { errors } = await run(['sh', '-c', 'exec 1>"$0"; exec "$@"', `${root}/${name}`, ...inside, ...words], {});
    return errors;
  };

  it('is held to its size by the kernel, and says how full it is without a walk', async () => {
    expect(await write('fitting', 8)).not.toMatch(/No space left/);
    const { ownBytes } = await layers.volumeBytes(1);
    expect(ownBytes).toBeGreaterThanOrEqual(8n * MiB);
    expect(ownBytes).toBeLessThan(9n * MiB);
    expect(await write('too-much', 100)).toMatch(/No space left/);
    expect((await layers.volumeBytes(1)).ownBytes).toBeLessThan(size);
  });

  it('gives back to the host what is deleted inside', async () => {
    const before = statSync(shelf.image(1)).blocks;
    rmSync(`${root}/too-much`);
    await must(['sync', '--file-system', root]);
    // The kernel does it once its journal is written, in the background.
    while (statSync(shelf.image(1)).blocks > before - 30 * 2048) await delay(20);
  });

  it('takes a smaller size while it is in use, and none below what is in it', async () => {
    await layers.limitVolume(1, 24n * MiB);
    expect(await write('more', 30)).toMatch(/No space left/);
    expect((await layers.volumeBytes(1)).ownBytes).toBeLessThanOrEqual(24n * MiB);
    rmSync(`${root}/more`);
    await expect(layers.limitVolume(1, 4n * MiB)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/more is in use; \d+ MiB are the least that is possible now$/),
    });
  });

  it('keeps its size over an unmount and over another daemon', async () => {
    await layers.unmount(1);
    await layers.unmountAll();
    const next = new OverlayLayers(config, ground.lines);
    await next.prepare();
    root = await next.mount(1, 5, [1]);
    expect(await write('again', 30)).toMatch(/No space left/);
    expect(readFileSync(`${root}/fitting`).length).toBe(8 * 2 ** 20);
    rmSync(`${root}/again`);
    await next.unmountAll();
  });

  it('grows while nothing uses it, what is in it stays', async () => {
    await layers.limitVolume(1, 3n * size);
    root = await layers.mount(1, 5, [1]);
    expect(await write('large', 100)).not.toMatch(/No space left/);
    expect(readFileSync(`${root}/fitting`).length).toBe(8 * 2 ** 20);
    await layers.removeVolume(1);
    expect(existsSync(shelf.volume(1))).toBe(false);
    expect(execFileSync('losetup', ['--all'], { encoding: 'utf8' })).not.toContain(config.home);
  });
});

describeReal('a volume of a con from before disks had sizes', () => {
  const ground = new Ground();
  const { layers, shelf, config } = ground;
  afterAll(() => ground.leave(), 60_000);

  it('gets a disk at its next start, with all that is in it and all that was deleted from its template', async () => {
    await layers.prepare();
    mkdirSync(`${shelf.layer(1)}/data`, { recursive: true });
    writeFileSync(`${shelf.layer(1)}/data/gone`, '');
    const [upper, owner] = [`${shelf.volume(1)}/upper`, firstIdOf(config, 5)];
    mkdirSync(`${upper}/data`, { recursive: true });
    mkdirSync(`${shelf.volume(1)}/work`);
    writeFileSync(`${upper}/data/mine`, 'mine');
    await must(['mknod', `${upper}/data/gone`, 'c', '0', '0']);
    await must(['chown', '--recursive', `${owner}:${owner}`, upper]);
    await must(['chown', '--recursive', `${firstIdOf(config, 0)}:${firstIdOf(config, 0)}`, shelf.layer(1)]);
    expect((await layers.volumeBytes(1)).ownBytes).toBeGreaterThan(0n);
    const root = await layers.mount(1, 5, [1]);
    expect(readdirSync(`${root}/data`)).toEqual(['mine']);
    expect(statSync(`${root}/data/mine`).uid).toBe(owner);
    expect(readdirSync(shelf.volume(1)).sort()).toEqual(['disk', 'limit']);
    await layers.limitVolume(1, 64n * MiB);
    await layers.removeVolume(1);
  });
});

describeReal('a host that is nearly full', () => {
  const ground = new Ground();
  const { layers, config } = ground;
  beforeAll(async () => {
    mkdirSync(config.home, { recursive: true });
    const image = `${config.home}.img`;
    await must(['truncate', '--size', '400M', image]);
    await must(['mkfs.ext4', '-q', '-m', '0', image]);
    await must(['mount', '-o', 'loop', image, config.home]);
    await layers.prepare();
    mkdirSync(ground.shelf.layer(1), { recursive: true });
  });
  afterAll(async () => {
    await ground.leave();
    rmSync(`${config.home}.img`, { force: true });
  }, 60_000);

  it('holds the disks of containers before their file systems lose data, and lets them go when there is room', async () => {
    const space = new Space(layers, () => undefined);
    await layers.createVolume(1, 5, 2048n * MiB);
    const root = await layers.mount(1, 5, [1]);
    writeFileSync(`${root}/kept`, 'before');
    const filling = `${config.home}/filling`;
    const { bavail, bsize } = statfsSync(config.home);
    await must(['fallocate', '--length', String(bavail * bsize - 8 * 2 ** 20), filling]);
    await space.guard();
    expect(() => writeFileSync(`${root}/lost`, Buffer.alloc(2 ** 20))).toThrow(/ENOSPC/);
    await must(['sync', '--file-system', root]); // no error of the block device below
    rmSync(filling);
    await space.guard();
    writeFileSync(`${root}/written`, Buffer.alloc(2 ** 20));
    expect(readFileSync(`${root}/kept`, 'utf8')).toBe('before');
    await layers.removeVolume(1);
  });
});
