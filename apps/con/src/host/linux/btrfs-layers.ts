import { existsSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Warning } from '../host.js';
import type { Chain, Layer, Layers, Moment, Still, VolumeBytes } from '../layers.js';
import type { IdRange, Slot } from '../runtime.js';
import { Bases } from './base.js';
import { createSubvolume, snapshotSubvolume } from './btrfs.js';
import { BtrfsVolumes } from './btrfs-volumes.js';
import { clearMount, removeEmpty } from './clearing.js';
import { whenFull } from './full.js';
import { firstIdOf, withIdMap } from './idmap.js';
import type { Lines } from './line.js';
import { isMounted, mountPoints, mountsBelow } from './mounts.js';
import { Pool } from './pool.js';
import { discard, removeAll } from './removal.js';
import { directory, layerName, layerOf, Shelf } from './shelf.js';
import { mountBind, mountShifted, unmount } from './syscalls.js';
import { VolumeRecords } from './volume-records.js';

/** Layers and volumes are stored in this range; an owner sees them shifted to another. */
const buildRange: IdRange = 0;

/** Layers and volumes as subvolumes of a btrfs pool: each line of a template is a snapshot of the line before it. */
export class BtrfsLayers implements Layers {
  readonly shelf: Shelf;
  private readonly pool: Pool;
  private readonly bases: Bases;
  private readonly held: BtrfsVolumes;
  private readonly carried: VolumeRecords;

  constructor(
    private readonly config: Config,
    private readonly lines: Pick<Lines, 'line' | 'clearLines'>,
  ) {
    this.pool = new Pool(config);
    this.shelf = new Shelf({ home: this.pool.path, runDirectory: config.runDirectory });
    this.bases = new Bases(config, this.shelf, lines, createSubvolume);
    this.held = new BtrfsVolumes(this.shelf, this.pool);
    this.carried = new VolumeRecords(this.shelf);
  }

  get warnings(): readonly Warning[] {
    return this.pool.isBounding ? [] : [unbounded];
  }

  /** To be called once, before anything else: as that of overlay, and the pool is made and mounted. */
  async prepare(): Promise<void> {
    await this.lines.clearLines();
    await this.pool.prepare();
    this.shelf.prepare(firstIdOf(this.config, buildRange));
    for (const name of readdirSync(this.shelf.drafts)) {
      const layer = layerOf(name);
      if (layer !== undefined) await this.bases.drop(layer);
    }
    for (const name of readdirSync(this.shelf.removed)) await removeAll(`${this.shelf.removed}/${name}`);
    this.held.sweep();
  }

  async base(
    layer: Layer,
    suite: string,
    io: { log: (chunk: Buffer) => void; signal: AbortSignal },
  ): Promise<{ bytes: bigint }> {
    this.mustBeNew(layer);
    await this.bases.lay(layer, suite, io);
    return this.sealed(layer);
  }

  async open(layer: Layer, chain: Chain): Promise<string> {
    this.mustBeNew(layer);
    const root = this.shelf.building(layer);
    try {
      snapshotSubvolume(this.nearest(chain), this.shelf.layer(layer));
      directory(this.shelf.buildingGate(layer), { mode: 0o700, owner: firstIdOf(this.config, buildRange) });
      directory(root, { mode: 0o755 });
      mountBind(this.shelf.layer(layer), root);
    } catch (thrown) {
      await this.removeLayer(layer);
      throw whenFull(thrown, `open layer ${layer}`);
    }
    return root;
  }

  async seal(layer: Layer): Promise<{ bytes: bigint }> {
    if (!existsSync(this.shelf.layer(layer))) {
      throw new Problem('not_found', `cannot seal layer ${layer}: it was never opened`);
    }
    await this.close(layer);
    return this.sealed(layer);
  }

  /** A line holds all that the lines below it show: what is nearest is flat already. */
  async flatten(layer: Layer, chain: Chain): Promise<{ bytes: bigint }> {
    this.mustBeNew(layer);
    snapshotSubvolume(this.nearest(chain), this.shelf.layer(layer));
    return this.sealed(layer);
  }

  async removeLayer(layer: Layer): Promise<void> {
    await this.close(layer);
    await this.bases.drop(layer);
    await discard(this.shelf.layer(layer), this.shelf.removed);
  }

  layers(): Promise<readonly Layer[]> {
    const names = [this.shelf.layers, this.shelf.drafts].filter(existsSync).flatMap((path) => readdirSync(path));
    return Promise.resolve([...new Set(names.flatMap((name) => layerOf(name) ?? []))]);
  }

  createVolume(slot: Slot, range: IdRange, diskBytes: bigint): Promise<void> {
    firstIdOf(this.config, range); // a wrong one is told before anything is made
    return this.held.create(slot, diskBytes);
  }

  async limitVolume(slot: Slot, diskBytes: bigint): Promise<void> {
    await this.held.flush();
    this.held.limit(slot, diskBytes);
  }

  /** The pool has its whole size from the start: who fills it up is told so, and loses nothing. */
  hold(): Promise<void> {
    return Promise.resolve();
  }

  async mount(slot: Slot, range: IdRange, chain: Chain): Promise<string> {
    const root = this.shelf.root(slot);
    if (isMounted(root)) return root;
    const subvolume = this.held.rootOf(slot, this.nearest(chain));
    const owner = firstIdOf(this.config, range);
    directory(this.shelf.gate(slot), { mode: 0o700, owner });
    directory(root, { mode: 0o755 });
    const stored = firstIdOf(this.config, buildRange);
    await withIdMap(stored, owner, (namespace) => {
      if (!isMounted(root)) mountShifted(subvolume, root, namespace, { devices: false });
    });
    return root;
  }

  async unmount(slot: Slot): Promise<void> {
    await clearMount(this.shelf.root(slot));
    removeEmpty(this.shelf.root(slot), this.shelf.gate(slot));
  }

  async removeVolume(slot: Slot): Promise<void> {
    await this.unmount(slot);
    await this.held.remove(slot);
  }

  volumes(): Promise<readonly Slot[]> {
    return Promise.resolve(this.held.slots());
  }

  mounted(): Promise<readonly Slot[]> {
    const mounts = mountPoints();
    const slots = readdirSync(this.shelf.roots).flatMap((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : []));
    return Promise.resolve(slots.filter((slot) => mounts.has(this.shelf.root(slot))));
  }

  volumeBytes(slot: Slot): Promise<VolumeBytes> {
    return Promise.resolve(this.held.bytes(slot));
  }

  keepMoment(slot: Slot, moment: Moment, still: Still): Promise<{ bytes: bigint }> {
    return this.held.keep(slot, moment, still);
  }

  async restoreMoment(slot: Slot, moment: Moment): Promise<void> {
    if (isMounted(this.shelf.root(slot))) {
      throw new Problem('conflict', `cannot restore volume ${slot}: it is mounted; stop its container first`);
    }
    await this.held.restore(slot, moment);
  }

  removeMoment(slot: Slot, moment: Moment): Promise<void> {
    return this.held.removeMoment(slot, moment);
  }

  moments(): Promise<readonly Readonly<{ slot: Slot; moment: Moment }>[]> {
    return Promise.resolve(this.held.moments());
  }

  duplicateVolume(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void> {
    return this.held.duplicate(from, to, still, moment);
  }

  async writeRecord(slot: Slot, text: string): Promise<void> {
    await Promise.resolve(this.carried.write(slot, text));
  }

  records(): Promise<ReadonlyMap<Slot, string>> {
    return Promise.resolve(this.carried.of(this.held.slots()));
  }

  /** Unmounts all that this con mounted, lines and containers having ended, the pool last; the bytes stay. */
  async unmountAll(): Promise<void> {
    for (const path of mountsBelow(this.config.runDirectory)) await unmount(path);
    for (const path of mountsBelow(this.pool.path)) await unmount(path);
  }

  async space(): Promise<{ bytes: bigint; freeBytes: bigint }> {
    const { bsize, blocks, bavail } = await statfs(this.pool.path, { bigint: true });
    return { bytes: bsize * blocks, freeBytes: bsize * bavail };
  }

  private async sealed(layer: Layer): Promise<{ bytes: bigint }> {
    await this.held.flush();
    return { bytes: this.held.aloneBytes(this.shelf.layer(layer)) };
  }

  private nearest(chain: Chain): string {
    const [layer] = chain;
    if (layer === undefined) {
      throw new Problem('invalid', 'cannot mount a root without layers: it needs a base at least');
    }
    if (existsSync(this.shelf.layer(layer))) return this.shelf.layer(layer);
    throw new Problem('unavailable', `cannot stand on layer ${layerName(layer)}: it is not on the disk`);
  }

  private mustBeNew(layer: Layer): void {
    if (!existsSync(this.shelf.layer(layer))) return;
    throw new Problem('conflict', `cannot write layer ${layer}: it exists already; remove it first`);
  }

  private async close(layer: Layer): Promise<void> {
    await clearMount(this.shelf.building(layer));
    removeEmpty(this.shelf.building(layer), this.shelf.buildingGate(layer));
  }
}

const unbounded: Warning = {
  what: 'what containers write is neither counted nor bounded in this btrfs pool: it has no simple quotas',
  cure: 'start a kernel from 6.7 on, and switch other quotas of that file system off (btrfs quota disable)',
};
