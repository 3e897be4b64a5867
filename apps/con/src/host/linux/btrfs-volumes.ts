import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Problem } from '@berth/problem';
import { tooLittleDisk, type Moment, type Still, type VolumeBytes } from '../layers.js';
import type { Slot } from '../runtime.js';
import {
  chargedBytes,
  createGroup,
  exchange,
  groups,
  isSubvolume,
  joinGroup,
  limitGroup,
  removeGroup,
  snapshotSubvolume,
  subvolumeId,
  type Group,
} from './btrfs.js';
import { must } from './exec.js';
import { whenFull } from './full.js';
import type { Pool } from './pool.js';
import { discard, removeAll, walkMs } from './removal.js';
import { directory, type Shelf } from './shelf.js';
import { fsyncDirectory, mustExist } from './volume-records.js';

/**
 * Volumes as subvolumes: what a container changed of its template is a snapshot of the template's last line, made when it
 * is mounted first. All that a container writes is charged to one group, also what only a moment of it still holds.
 */
export class BtrfsVolumes {
  constructor(
    private readonly shelf: Shelf,
    private readonly pool: Pool,
  ) {}

  /** Groups of volumes that are gone, as far as the kernel has freed what they held. */
  sweep(): void {
    if (!this.pool.isBounding) return;
    const used = new Set(this.slots().map((slot) => this.groupOf(slot)));
    for (const group of groups(this.pool.path)) if (!used.has(group)) removeGroup(this.pool.path, group);
  }

  slots(): Slot[] {
    return readdirSync(this.shelf.volumes).flatMap((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : []));
  }

  async create(slot: Slot, diskBytes: bigint): Promise<void> {
    if (existsSync(this.shelf.volume(slot))) return this.limit(slot, diskBytes);
    await this.whole(`create volume ${slot}`, (draft) => {
      this.begin(draft, diskBytes); // which is on the disk; where the power takes its place, the first start makes it again
      renameSync(draft, this.shelf.volume(slot));
      return Promise.resolve();
    });
  }

  /** The subvolume that a container writes to; made of its template where it is not there yet. */
  rootOf(slot: Slot, template: string): string {
    const volume = mustExist(this.shelf, slot);
    const root = `${volume}/root`;
    if (!existsSync(root)) snapshotSubvolume(template, root);
    this.join(root, volume);
    return root;
  }

  limit(slot: Slot, diskBytes: bigint): void {
    const volume = mustExist(this.shelf, slot);
    const used = this.charged(slot);
    if (diskBytes < used) throw tooLittleDisk(used);
    write(`${volume}/limit`, diskBytes);
    this.bound(volume, diskBytes);
  }

  bytes(slot: Slot): VolumeBytes {
    if (!existsSync(this.shelf.volume(slot))) return { ownBytes: 0n, momentsBytes: 0n };
    const kept = this.moments().filter((each) => each.slot === slot);
    const momentsBytes = kept.reduce((sum, { moment }) => sum + this.aloneBytes(this.shelf.moment(slot, moment)), 0n);
    return { ownBytes: this.charged(slot), momentsBytes };
  }

  async keep(slot: Slot, moment: Moment, still: Still): Promise<{ bytes: bigint }> {
    const [volume, to] = [mustExist(this.shelf, slot), this.shelf.moment(slot, moment)];
    if (!existsSync(to)) {
      await this.whole(`keep moment ${moment} of volume ${slot}`, async (draft) => {
        await this.copyStill(volume, draft, still, true);
        await this.settle(draft, to);
      });
    }
    return { bytes: this.charged(slot) };
  }

  async restore(slot: Slot, moment: Moment): Promise<void> {
    const [volume, from] = [mustExist(this.shelf, slot), this.kept(slot, moment)];
    await this.whole(`restore volume ${slot}`, async (draft) => {
      const root = `${draft}/root`;
      if (existsSync(`${from}/root`)) {
        snapshotSubvolume(`${from}/root`, root);
        this.join(root, volume);
        if (existsSync(`${volume}/root`)) exchange(root, `${volume}/root`);
        else renameSync(root, `${volume}/root`);
      } else if (existsSync(`${volume}/root`)) {
        renameSync(`${volume}/root`, root); // kept before it ever ran: it begins with its template again
      }
      await this.flush();
      await removeAll(draft);
    });
  }

  async removeMoment(slot: Slot, moment: Moment): Promise<void> {
    await discard(this.shelf.moment(slot, moment), this.shelf.removed);
  }

  moments(): Readonly<{ slot: Slot; moment: Moment }>[] {
    return readdirSync(this.shelf.moments).flatMap((name) => {
      const [, slot, moment] = /^([1-9]\d*)\.([1-9]\d*)$/.exec(name) ?? [];
      return slot === undefined ? [] : [{ slot: Number(slot), moment: Number(moment) }];
    });
  }

  async duplicate(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void> {
    const [source, target] = [mustExist(this.shelf, from), this.shelf.volume(to)];
    if (existsSync(target)) return;
    const kept = moment === undefined ? undefined : this.kept(from, moment);
    await this.whole(`duplicate volume ${from}`, async (draft) => {
      this.begin(draft, BigInt(readFileSync(`${source}/limit`, 'utf8')));
      if (kept === undefined) await this.copyStill(source, draft, still, false);
      else if (existsSync(`${kept}/root`)) snapshotSubvolume(`${kept}/root`, `${draft}/root`);
      if (existsSync(`${draft}/root`)) this.join(`${draft}/root`, draft);
      await this.settle(draft, target);
    });
  }

  async remove(slot: Slot): Promise<void> {
    for (const each of this.moments()) if (each.slot === slot) await this.removeMoment(slot, each.moment);
    await discard(this.shelf.volume(slot), this.shelf.removed);
    this.sweep();
  }

  /** What a subvolume wrote itself. */
  aloneBytes(path: string): bigint {
    const subvolume = isSubvolume(path) ? path : `${path}/root`;
    return existsSync(subvolume) ? chargedBytes(this.pool.path, subvolumeId(subvolume)) : 0n;
  }

  /** Has all on the disk that was written. */
  async flush(): Promise<void> {
    await must(['sync', '--file-system', this.pool.path], { timeoutMs: walkMs });
  }

  /** What waits to be written is written before anything is halted: it may take its time. */
  private async copyStill(volume: string, draft: string, still: Still, isReadOnly: boolean): Promise<void> {
    await this.flush();
    await still(() => {
      if (existsSync(`${volume}/root`)) snapshotSubvolume(`${volume}/root`, `${draft}/root`, isReadOnly);
      return Promise.resolve();
    });
  }

  private begin(draft: string, diskBytes: bigint): void {
    write(`${draft}/group`, (1n << 48n) | BigInt(randomInt(2 ** 47)));
    write(`${draft}/limit`, diskBytes);
    if (this.pool.isBounding) createGroup(this.pool.path, readGroup(draft));
    this.bound(draft, diskBytes);
  }

  private bound(volume: string, diskBytes: bigint): void {
    if (this.pool.isBounding) limitGroup(this.pool.path, readGroup(volume), diskBytes);
  }

  private join(root: string, volume: string): void {
    if (this.pool.isBounding) joinGroup(root, readGroup(volume));
  }

  private charged(slot: Slot): bigint {
    return chargedBytes(this.pool.path, this.groupOf(slot));
  }

  private groupOf(slot: Slot): Group {
    return readGroup(this.shelf.volume(slot));
  }

  private kept(slot: Slot, moment: Moment): string {
    const path = this.shelf.moment(slot, moment);
    if (existsSync(path)) return path;
    throw new Problem('not_found', `cannot find moment ${moment} of volume ${slot}: it does not exist`);
  }

  private async settle(draft: string, place: string): Promise<void> {
    await this.flush();
    renameSync(draft, place);
    fsyncDirectory(`${place}/..`);
  }

  /** Nothing of what fails stays, whatever it was. */
  private async whole(doing: string, act: (draft: string) => Promise<void>): Promise<void> {
    const draft = `${this.shelf.removed}/${randomUUID()}`;
    try {
      mkdirSync(draft);
      directory(draft, { mode: 0o700 });
      await act(draft);
    } catch (thrown) {
      await removeAll(draft);
      throw whenFull(thrown, doing);
    }
  }
}

function readGroup(volume: string): Group {
  return BigInt(readFileSync(`${volume}/group`, 'utf8'));
}

function write(path: string, number: bigint): void {
  writeFileSync(`${path}.new`, `${number}`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
