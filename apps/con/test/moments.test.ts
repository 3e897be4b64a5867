import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Still } from '../src/host/layers.js';
import { must } from '../src/host/linux/exec.js';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

const GiB = 1024n ** 3n;

describeReal('kept states of volumes on a real host', () => {
  const ground = new Ground();
  const { layers, shelf } = ground;
  const halted: string[] = [];
  const still: Still = async (act) => {
    halted.push('halt');
    return act().finally(() => halted.push('thaw'));
  };
  let root = '';
  beforeAll(async () => {
    await layers.prepare();
    mkdirSync(`${shelf.layer(1)}/data`, { recursive: true });
    for (const name of ['a', 'b']) writeFileSync(`${shelf.layer(1)}/data/${name}`, name);
    await must([
      'chown',
      '--recursive',
      `${firstIdOf(ground.config, 0)}:${firstIdOf(ground.config, 0)}`,
      shelf.layer(1),
    ]);
    await layers.createVolume(1, 5, GiB);
    root = await layers.mount(1, 5, [1]);
  });
  afterAll(() => ground.leave(), 60_000);

  it('restoring brings back what was deleted, and deletes what came later', async () => {
    rmSync(`${root}/data/a`);
    writeFileSync(`${root}/new`, 'first');
    await layers.keepMoment(1, 1, still);
    expect(halted).toEqual(['halt', 'thaw']);
    rmSync(`${root}/data`, { recursive: true });
    mkdirSync(`${root}/data`);
    renameSync(`${root}/new`, `${root}/later`);
    await layers.keepMoment(1, 2, still);
    await expect(layers.restoreMoment(1, 1)).rejects.toThrow('stop its container first');
    await layers.unmount(1);
    await layers.restoreMoment(1, 1);
    await layers.mount(1, 5, [1]);
    expect([readdirSync(root).sort(), readdirSync(`${root}/data`)]).toEqual([['data', 'new'], ['b']]);
    await layers.unmount(1);
    await layers.restoreMoment(1, 2);
    await layers.mount(1, 5, [1]);
    expect([readdirSync(root).sort(), readdirSync(`${root}/data`)]).toEqual([['data', 'later'], []]);
    expect(readdirSync(shelf.removed)).toEqual([]);
  });

  it('a duplicate looks the same from inside, and goes its own way', async () => {
    await layers.duplicateVolume(1, 2, still);
    const copy = await layers.mount(2, 5, [1]);
    expect(readdirSync(`${copy}/data`)).toEqual([]);
    expect(readFileSync(`${copy}/later`, 'utf8')).toBe('first');
    expect(statSync(copy).uid).toBe(statSync(root).uid);
    writeFileSync(`${copy}/own`, '');
    expect(existsSync(`${root}/own`)).toBe(false);
    await layers.duplicateVolume(1, 3, still, 1);
    await layers.mount(3, 5, [1]);
    expect(lstatSync(`${shelf.disk(3)}/upper/data/a`).isCharacterDevice()).toBe(true);
  });

  it('a copy that fails leaves nothing, and the container is thawed', async () => {
    const before = halted.length;
    const failing: Still = (act) => still(() => act().then(() => Promise.reject(new Error('halted badly'))));
    await expect(layers.keepMoment(1, 9, failing)).rejects.toThrow('halted badly');
    expect(halted.slice(before)).toEqual(['halt', 'thaw']);
    expect(await layers.moments()).not.toContainEqual({ slot: 1, moment: 9 });
    expect(readdirSync(shelf.removed)).toEqual([]);
  });

  it('a volume carries its record where its container cannot see it, and takes its moments along when it goes', async () => {
    await layers.writeRecord(1, 'one');
    await layers.writeRecord(1, 'two');
    expect(await layers.records()).toEqual(new Map([[1, 'two']]));
    expect(readdirSync(root)).not.toContain('record');
    expect(await layers.moments()).toHaveLength(2);
    await layers.removeVolume(1);
    expect(await layers.moments()).toEqual([]);
  });
});
