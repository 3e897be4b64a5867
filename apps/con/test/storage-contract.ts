import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Layers, Still } from '../src/host/layers.js';
import { must } from '../src/host/linux/exec.js';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { mountPoints } from '../src/host/linux/mounts.js';
import type { Ground } from './ground.js';

const MiB = 1024n * 1024n;

/** What each kind of storage must do on real mounts, told through `Layers` alone. */
export function itKeepsVolumes(ground: Ground): void {
  const range = 5;
  const { layers } = ground;
  let halts = 0;
  const still: Still = (act) => {
    halts += 1;
    return act();
  };
  const mounted = async (slot: number, chain: readonly number[] = [1]): Promise<string> => {
    await layers.createVolume(slot, range, 64n * MiB);
    return layers.mount(slot, range, chain);
  };
  /** As root of the container; the way to its root leads through directories of others, so that it is gone before. */
  const inside = async (root: string, script: string): Promise<void> => {
    const id = `${firstIdOf(ground.config, range)}`;
    const who = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
    const enter = 'cd "$0" && exec "$@"';
    await must(['sh', '-c', enter, root, 'setpriv', ...who, '--', 'sh', '-c', script]);
  };
  /** Bytes that fitted until the kernel said no, of those that were asked for. */
  const filled = async (path: string, mebibytes: number): Promise<number> => {
    const [root, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
    await inside(root, `dd if=/dev/zero of=${name} bs=1M count=${mebibytes} conv=fsync || true`);
    return statSync(path).size;
  };
  const beginning = async (): Promise<readonly string[]> => [
    (await must(['losetup', '--all']))
      .split('\n')
      .filter((line) => line.includes(ground.config.home))
      .length.toString(),
    ...[...mountPoints()].filter((path) => path.startsWith(ground.config.runDirectory)),
  ];
  let before: readonly string[] = [];

  beforeAll(async () => {
    await ground.base(1);
    await layers.createVolume(90, range, 64n * MiB);
    await layers.mount(90, range, [1]);
    await layers.removeVolume(90);
    before = await beginning();
  }, 20 * 60_000);
  afterAll(() => ground.leave(), 60_000);

  it('a container writes as much as it may and no more, and what it has written stays', async () => {
    const root = await mounted(1);
    const fitted = await filled(`${root}/filling`, 200);
    expect(fitted).toBeGreaterThan(48 * 2 ** 20);
    expect(fitted).toBeLessThanOrEqual(64 * 2 ** 20);
    expect(() => readFileSync(`${root}/etc/debian_version`)).not.toThrow();
    await must(['sync', '--file-system', root]);
    const { ownBytes } = await layers.volumeBytes(1);
    expect(ownBytes).toBeGreaterThanOrEqual(BigInt(fitted));
    await layers.removeVolume(1);
  });

  it('a limit moves while the container runs: up gives room at once, and below what is in use is refused, naming the least', async () => {
    const root = await mounted(2);
    await filled(`${root}/data`, 40);
    await must(['sync', '--file-system', root]);
    await expect(layers.limitVolume(2, 20n * MiB)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/4\d MiB are the least/),
    });
    await layers.limitVolume(2, 96n * MiB);
    const fitted = await filled(`${root}/more`, 200);
    expect(fitted).toBeGreaterThan(40 * 2 ** 20);
    expect(fitted).toBeLessThan(60 * 2 ** 20);
    rmSync(`${root}/more`, { force: true });
    await must(['sync', '--file-system', root]);
    await layers.unmount(2);
    await layers.limitVolume(2, 64n * MiB);
    const again = await layers.mount(2, range, [1]);
    expect(await filled(`${again}/more`, 200)).toBeLessThan(25 * 2 ** 20);
    await layers.removeVolume(2);
  });

  it('what a container wrote is told alike while it runs and after, and deleting gives it back', async () => {
    const root = await mounted(3);
    const empty = (await layers.volumeBytes(3)).ownBytes;
    expect(empty).toBeLessThan(MiB);
    await filled(`${root}/data`, 10);
    await must(['sync', '--file-system', root]);
    const running = (await layers.volumeBytes(3)).ownBytes;
    expect(running - empty).toBeGreaterThanOrEqual(10n * MiB);
    expect(running - empty).toBeLessThan(11n * MiB);
    await layers.unmount(3);
    const stopped = (await layers.volumeBytes(3)).ownBytes;
    expect(stopped > running ? stopped - running : running - stopped).toBeLessThan(MiB);
    rmSync(`${await layers.mount(3, range, [1])}/data`);
    await freed(layers, 3, 2n * MiB);
    await layers.removeVolume(3);
    expect(await layers.volumeBytes(3)).toEqual({ ownBytes: 0n, momentsBytes: 0n });
  });

  it('what a line deletes, renames, makes anew or links looks so from inside, through every layer', async () => {
    const one = await layers.open(10, [1]);
    for (const name of ['gone', 'anew', 'before']) mkdirSync(`${one}/srv/${name}`);
    for (const path of ['gone/file', 'anew/old', 'before/file', 'single']) writeFileSync(`${one}/srv/${path}`, path);
    await must(['ln', `${one}/srv/single`, `${one}/srv/double`]);
    await layers.seal(10);
    const two = await layers.open(11, [10, 1]);
    rmSync(`${two}/srv/gone`, { recursive: true });
    rmSync(`${two}/srv/anew`, { recursive: true });
    mkdirSync(`${two}/srv/anew`);
    writeFileSync(`${two}/srv/anew/new`, '');
    renameSync(`${two}/srv/before`, `${two}/srv/after`);
    await layers.seal(11);
    for (const [layer, chain] of [
      [12, [11, 10, 1]],
      [13, [12, 11, 10, 1]],
    ] as const) {
      const root = await layers.open(layer, chain);
      expect(readdirSync(`${root}/srv`).sort()).toEqual(['after', 'anew', 'double', 'single']);
      expect(readdirSync(`${root}/srv/anew`)).toEqual(['new']);
      expect(readFileSync(`${root}/srv/after/file`, 'utf8')).toBe('before/file');
      expect(statSync(`${root}/srv/double`).nlink).toBe(2);
      await layers.seal(layer);
    }
    // What was sealed before stays as it was.
    const other = await layers.open(14, [10, 1]);
    expect(readdirSync(`${other}/srv`).sort()).toEqual(['anew', 'before', 'double', 'gone', 'single']);
    await layers.seal(14);
    const shown = await mounted(4, [13, 12, 11, 10, 1]);
    expect(readdirSync(`${shown}/srv`).sort()).toEqual(['after', 'anew', 'double', 'single']);
    await layers.removeVolume(4);
    for (const layer of [14, 13, 12, 11, 10]) await layers.removeLayer(layer);
    expect(await layers.layers()).toEqual([1]);
  });

  it('a chain laid down as one layer shows what the chain shows', async () => {
    const one = await layers.open(20, [1]);
    writeFileSync(`${one}/srv/kept`, 'kept');
    rmSync(`${one}/etc/motd`, { force: true });
    await must(['chmod', '4755', `${one}/srv/kept`]);
    await layers.seal(20);
    await layers.flatten(21, [20, 1]);
    const root = await mounted(5, [21]);
    expect(statSync(`${root}/srv/kept`).mode & 0o7777).toBe(0o4755);
    expect(existsSync(`${root}/etc/motd`)).toBe(false);
    expect(statSync(`${root}/usr`).uid).toBe(statSync(`${root}/etc`).uid);
    await layers.removeVolume(5);
    for (const layer of [20, 21]) await layers.removeLayer(layer);
  }, 120_000);

  it('a moment brings back what was deleted and takes away what came later, and every other moment stays', async () => {
    const root = await mounted(6);
    await inside(root, 'printf first > srv/first; rm -f etc/motd');
    halts = 0;
    expect((await layers.keepMoment(6, 1, still)).bytes).toBeGreaterThan(0n);
    expect(halts).toBe(1);
    await inside(root, 'mv srv/first srv/second');
    await layers.keepMoment(6, 2, still);
    await expect(layers.restoreMoment(6, 1)).rejects.toMatchObject({ code: 'conflict' });
    for (const [moment, name] of [
      [1, 'first'],
      [2, 'second'],
      [1, 'first'],
    ] as const) {
      await layers.unmount(6);
      await layers.restoreMoment(6, moment);
      expect(readdirSync(`${await layers.mount(6, range, [1])}/srv`)).toEqual([name]);
    }
    expect(existsSync(`${root}/etc/motd`)).toBe(false);
    expect(await layers.moments()).toEqual(expect.arrayContaining([1, 2].map((moment) => ({ slot: 6, moment }))));
    expect((await layers.volumeBytes(6)).momentsBytes).toBeGreaterThan(0n);
    await layers.removeMoment(6, 1);
    await layers.removeVolume(6);
    expect(await layers.moments()).toEqual([]);
  });

  it('a duplicate of what runs is whole, goes its own way, and is bounded like its source', async () => {
    const root = await mounted(7);
    await inside(root, 'printf data > srv/data');
    await layers.writeRecord(7, 'record');
    await layers.duplicateVolume(7, 8, still);
    const copy = await layers.mount(8, range, [1]);
    expect(readFileSync(`${copy}/srv/data`, 'utf8')).toBe('data');
    expect(statSync(copy).uid).toBe(statSync(root).uid);
    await inside(copy, 'touch srv/own');
    expect(existsSync(`${root}/srv/own`)).toBe(false);
    expect(await layers.records()).toEqual(new Map([[7, 'record']]));
    expect(await filled(`${copy}/filling`, 200)).toBeLessThanOrEqual(64 * 2 ** 20);
    await layers.removeVolume(7);
    expect(readFileSync(`${copy}/srv/data`, 'utf8')).toBe('data');
    await layers.removeVolume(8);
  });

  it('nothing is left of all this: no volume, no mount, no block device', async () => {
    expect([await layers.volumes(), await layers.moments(), await layers.layers()]).toEqual([[], [], [1]]);
    expect(await beginning()).toEqual(before);
  });
}

/** Waits until so little is in use; the kernel may give back in the background. */
async function freed(layers: Layers, slot: number, most: bigint): Promise<void> {
  while ((await layers.volumeBytes(slot)).ownBytes > most) await must(['sync']);
}
