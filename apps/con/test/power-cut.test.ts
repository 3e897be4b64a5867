import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Still } from '../src/host/layers.js';
import { createSubvolume } from '../src/host/linux/btrfs.js';
import { must, open, type Process } from '../src/host/linux/exec.js';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { storageOf } from '../src/host/linux/storage.js';
import { Ground } from './ground.js';
import { btrfs, describeReal } from './real.js';

const range = 5;
const still: Still = (act) => act();

/** A home on a disk of its own, which can be copied at one moment of its life: what a power cut leaves. */
class Cuttable {
  readonly ground: Ground;
  private readonly under: string;

  constructor(private readonly type: 'ext4' | 'btrfs') {
    this.ground = new Ground({ storage: type === 'btrfs' ? 'btrfs' : 'overlay' });
    this.under = `${this.ground.config.home}.under`;
  }

  async enter(): Promise<void> {
    const { config, layers, shelf } = this.ground;
    for (const path of [this.under, config.home]) mkdirSync(path, { recursive: true });
    await this.disk(`${this.under}.img`, '3G', 'btrfs', this.under);
    await this.disk(`${this.under}/disk`, '1500M', this.type, config.home);
    await layers.prepare();
    if (this.type === 'btrfs') createSubvolume(shelf.layer(1));
    else mkdirSync(shelf.layer(1));
    const owner = `${firstIdOf(config, 0)}`;
    await must(['chown', `${owner}:${owner}`, shelf.layer(1)]);
    await layers.createVolume(1, range, 2n ** 29n);
  }

  /** What the container does, as its root, in the directory that it sees as `/`. */
  does(root: string, script: string): Process {
    const id = `${firstIdOf(this.ground.config, range)}`;
    const who = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
    return open(['sh', '-c', 'cd "$0" && exec "$@"', root, 'setpriv', ...who, '--', 'sh', '-c', script]);
  }

  async cut(): Promise<void> {
    await must(['cp', '--reflink=always', `${this.under}/disk`, `${this.under}/cut`]);
  }

  /** The host comes up again with what was on its disk then. */
  async comeUp(): Promise<Ground['layers']> {
    const { config, layers, lines } = this.ground;
    await layers.unmountAll();
    await must(['umount', config.home]);
    await must(['mount', '-o', 'loop', `${this.under}/cut`, config.home]);
    const next = storageOf(config, lines);
    await next.prepare();
    return next;
  }

  async leave(): Promise<void> {
    await this.ground.layers.unmountAll();
    for (const path of [this.ground.config.home, this.under]) await must(['umount', '--lazy', path]);
    rmSync(`${this.under}.img`);
    await this.ground.leave();
  }

  private async disk(image: string, size: string, type: string, target: string): Promise<void> {
    await must(['truncate', '--size', size, image]);
    await must([`mkfs.${type}`, '-q', image]);
    await must(['mount', '-o', 'loop', image, target]);
  }
}

describe.each(['ext4', 'btrfs'] as const)('a power cut', (type) => {
  describeReal(
    `of a home on ${type}, in mid-write`,
    () => {
      const cuttable = new Cuttable(type);
      const { layers } = cuttable.ground;
      beforeAll(() => cuttable.enter(), 60_000);
      afterAll(() => cuttable.leave(), 60_000);

      it('leaves every kept moment readable, each record, and a container that can be started', async () => {
        const root = await layers.mount(1, range, [1]);
        const writer = cuttable.does(
          root,
          'while :; do dd if=/dev/urandom of=noise bs=64k count=160 2> /dev/null; cp noise more; mv more most; done',
        );
        for (const moment of [1, 2, 3]) {
          expect(await cuttable.does(root, `echo ${moment} > kept`).exit).toBe(0);
          await layers.keepMoment(1, moment, still);
          await layers.writeRecord(1, `record ${moment}`);
        }
        await layers.duplicateVolume(1, 2, still, 2);
        await cuttable.cut();
        writer.kill();
        await writer.exit;
        const next = await cuttable.comeUp();
        expect(await next.records()).toEqual(new Map([[1, 'record 3']]));
        expect([...(await next.volumes())].sort()).toEqual([1, 2]);
        expect(await next.moments()).toHaveLength(3);
        expect(readFileSync(`${await next.mount(1, range, [1])}/kept`, 'utf8')).toBe('3\n');
        expect(readFileSync(`${await next.mount(2, range, [1])}/kept`, 'utf8')).toBe('2\n');
        for (const moment of [1, 2, 3]) {
          await next.unmount(1);
          await next.restoreMoment(1, moment);
          expect(readFileSync(`${await next.mount(1, range, [1])}/kept`, 'utf8')).toBe(`${moment}\n`);
        }
      }, 120_000);
    },
    [btrfs],
  );
});
