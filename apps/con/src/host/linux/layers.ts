import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Warning } from '../host.js';
import type { Chain, Layer, Layers, Moment, Still, VolumeBytes } from '../layers.js';
import type { IdRange, Slot } from '../runtime.js';
import { Bases } from './base.js';
import { clearMount, removeEmpty } from './clearing.js';
import { Disks } from './disks.js';
import { must } from './exec.js';
import { whenFull } from './full.js';
import { firstIdOf, withIdMap } from './idmap.js';
import type { Lines } from './line.js';
import { Moments } from './moments.js';
import { isMounted, mountPoints, mountsBelow } from './mounts.js';
import { OlderVolumes } from './older-volumes.js';
import { discard, removeAll, walkMs } from './removal.js';
import { directory, layerName, layerOf, Shelf } from './shelf.js';
import { bytesBelow, copyTree } from './tree.js';
import { VolumeRecords } from './volume-records.js';
import { mountBind, mountOverlay, mountShifted, unmount } from './syscalls.js';

/** Layers are stored in this range; an owner sees them shifted to another. */
const buildRange: IdRange = 0;

/**
 * Named one by one, because distributions change the kernel's defaults. Renaming a directory of a lower layer has to
 * work as on any disk (`redirect_dir`); metadata-only copies and the inode index would tie a layer to one mount of it.
 */
const semantics = 'redirect_dir=on,metacopy=off,index=off,nfs_export=off';

/** For a layer that is being written: lost with the power, as the whole line is. `seal` writes it to the disk. */
const hasty = `${semantics},volatile`;

/** Layers and volumes as directories, put together by overlayfs. */
export class OverlayLayers implements Layers {
  readonly shelf: Shelf;
  readonly warnings: readonly Warning[] = [];
  private readonly bases: Bases;
  private readonly disks: Disks;
  private readonly older: OlderVolumes;
  private readonly kept: Moments;
  private readonly carried: VolumeRecords;
  /** Mounts of all layers with the ids of a range, under way: two containers that start together share one. */
  private readonly shifting = new Map<IdRange, Promise<string>>();

  constructor(
    private readonly config: Config,
    private readonly lines: Pick<Lines, 'line' | 'clearLines'>,
  ) {
    this.shelf = new Shelf(config);
    this.disks = new Disks(this.shelf);
    this.carried = new VolumeRecords(this.shelf);
    this.older = new OlderVolumes(this.shelf, this.disks);
    this.kept = new Moments(this.shelf, this.disks);
    this.bases = new Bases(config, this.shelf, lines);
  }

  /**
   * To be called once, before anything else. Makes the directories, and clears away what a crash interrupted: lines that
   * still run, base systems laid down by half, removals.
   */
  async prepare(): Promise<void> {
    await this.lines.clearLines();
    this.shelf.prepare(firstIdOf(this.config, buildRange));
    this.disks.prepare();
    for (const name of readdirSync(this.shelf.drafts)) {
      const layer = layerOf(name);
      if (layer !== undefined) await this.bases.drop(layer);
    }
    for (const name of readdirSync(this.shelf.removed)) await removeAll(`${this.shelf.removed}/${name}`);
  }

  async base(
    layer: Layer,
    suite: string,
    io: { log: (chunk: Buffer) => void; signal: AbortSignal },
  ): Promise<{ bytes: bigint }> {
    this.mustBeNew(layer);
    await this.bases.lay(layer, suite, io);
    return { bytes: await bytesBelow(this.shelf.layer(layer)) };
  }

  async open(layer: Layer, chain: Chain): Promise<string> {
    this.mustBeNew(layer);
    const buildId = firstIdOf(this.config, buildRange);
    const root = this.shelf.building(layer);
    try {
      directory(this.shelf.layer(layer), { mode: 0o755, owner: buildId });
      directory(this.shelf.work(layer), { mode: 0o700, owner: buildId });
      directory(this.shelf.buildingGate(layer), { mode: 0o700, owner: buildId });
      directory(root, { mode: 0o755 });
      const [upper, work] = [layerName(layer), this.shelf.work(layer)];
      mountOverlay(this.shelf.layers, `lowerdir=${lower(chain)},upperdir=${upper},workdir=${work},${hasty}`, root);
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
    await must(['sync', '--file-system', this.shelf.layer(layer)], { timeoutMs: walkMs });
    return { bytes: await bytesBelow(this.shelf.layer(layer)) };
  }

  async flatten(layer: Layer, chain: Chain): Promise<{ bytes: bigint }> {
    this.mustBeNew(layer);
    const [draft, shown] = [this.shelf.draft(layer), this.shelf.building(layer)];
    try {
      directory(this.shelf.buildingGate(layer), { mode: 0o700, owner: firstIdOf(this.config, buildRange) });
      directory(shown, { mode: 0o755 });
      if (chain.length === 1) mountBind(this.shelf.layer(chain[0]!), shown);
      else mountOverlay(this.shelf.layers, `lowerdir=${lower(chain)},${semantics}`, shown);
      await copyTree(shown, draft);
      await must(['sync', '--file-system', draft], { timeoutMs: walkMs });
      renameSync(draft, this.shelf.layer(layer));
      await this.close(layer);
    } catch (thrown) {
      await this.removeLayer(layer);
      throw whenFull(thrown, `flatten into layer ${layer}`);
    }
    return { bytes: await bytesBelow(this.shelf.layer(layer)) };
  }

  async removeLayer(layer: Layer): Promise<void> {
    await this.close(layer);
    await this.bases.drop(layer);
    await discard(this.shelf.layer(layer), this.shelf.removed);
  }

  layers(): Promise<readonly Layer[]> {
    const names = namesIn(this.shelf.layers).concat(namesIn(this.shelf.drafts));
    return Promise.resolve([...new Set(names.flatMap((name) => layerOf(name) ?? []))]);
  }

  async createVolume(slot: Slot, _range: IdRange, diskBytes: bigint): Promise<void> {
    if (this.older.is(slot)) return this.older.convert(slot);
    const volume = this.shelf.volume(slot);
    const isNew = !existsSync(volume);
    try {
      directory(volume, { mode: 0o700 });
      await this.disks.make(slot, diskBytes);
    } catch (thrown) {
      if (isNew) await this.removeVolume(slot);
      throw whenFull(thrown, `create volume ${slot}`);
    }
  }

  async mount(slot: Slot, range: IdRange, chain: Chain): Promise<string> {
    const root = this.shelf.root(slot);
    if (isMounted(root)) return root;
    await this.older.convert(slot);
    if (!existsSync(this.shelf.image(slot)))
      throw new Problem('not_found', `cannot mount volume ${slot}: it does not exist`);
    const [layers, disk] = [await this.shifted(range), await this.disks.attach(slot)];
    const owner = firstIdOf(this.config, range);
    const upper = `${disk}/upper`;
    try {
      directory(`${disk}/work`, { mode: 0o700, owner });
      // The root of a container may change the mode of its own root directory: it stays as it is.
      if (!existsSync(upper) || statSync(upper).uid === 0) directory(upper, { mode: 0o755, owner });
    } catch (thrown) {
      throw whenFull(thrown, `mount volume ${slot}`);
    }
    directory(this.shelf.gate(slot), { mode: 0o700, owner });
    directory(root, { mode: 0o755 });
    const options = `lowerdir=${lower(chain)},upperdir=${upper},workdir=${disk}/work,${semantics}`;
    if (!isMounted(root)) mountOverlay(layers, options, root);
    return root;
  }

  async unmount(slot: Slot): Promise<void> {
    await clearMount(this.shelf.root(slot));
    removeEmpty(this.shelf.root(slot), this.shelf.gate(slot));
  }

  async removeVolume(slot: Slot): Promise<void> {
    await this.unmount(slot);
    for (const each of this.kept.all()) if (each.slot === slot) await this.kept.remove(slot, each.moment);
    await this.disks.detach(slot);
    await discard(this.shelf.volume(slot), this.shelf.removed);
  }

  async limitVolume(slot: Slot, diskBytes: bigint): Promise<void> {
    await this.disks.limit(slot, diskBytes);
  }

  hold(isHeld: boolean): Promise<void> {
    return Promise.resolve(this.disks.hold(isHeld));
  }

  volumes(): Promise<readonly Slot[]> {
    const names = namesIn(this.shelf.volumes).filter((name) => /^[1-9]\d*$/.test(name));
    return Promise.resolve(names.map(Number));
  }

  mounted(): Promise<readonly Slot[]> {
    const mounts = mountPoints();
    const slots = namesIn(this.shelf.roots).flatMap((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : []));
    return Promise.resolve(slots.filter((slot) => mounts.has(this.shelf.root(slot))));
  }

  async volumeBytes(slot: Slot): Promise<VolumeBytes> {
    if (!existsSync(this.shelf.volume(slot))) return { ownBytes: 0n, momentsBytes: 0n };
    if (this.older.is(slot)) return { ownBytes: await this.older.bytes(slot), momentsBytes: 0n };
    return { ownBytes: await this.disks.usedBytes(slot), momentsBytes: this.kept.bytes(slot) };
  }

  async keepMoment(slot: Slot, moment: Moment, still: Still): Promise<{ bytes: bigint }> {
    return { bytes: await this.kept.keep(slot, moment, still) };
  }

  async restoreMoment(slot: Slot, moment: Moment): Promise<void> {
    if (isMounted(this.shelf.root(slot))) {
      throw new Problem('conflict', `cannot restore volume ${slot}: it is mounted; stop its container first`);
    }
    await this.kept.restore(slot, moment);
  }

  removeMoment(slot: Slot, moment: Moment): Promise<void> {
    return this.kept.remove(slot, moment);
  }

  moments(): Promise<readonly Readonly<{ slot: Slot; moment: Moment }>[]> {
    return Promise.resolve(this.kept.all());
  }

  duplicateVolume(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void> {
    return this.kept.duplicate(from, to, still, moment);
  }

  async writeRecord(slot: Slot, text: string): Promise<void> {
    await Promise.resolve(this.carried.write(slot, text));
  }

  async records(): Promise<ReadonlyMap<Slot, string>> {
    return this.carried.of(await this.volumes());
  }

  /** Unmounts all that this con mounted, lines and containers having ended; the bytes stay. */
  async unmountAll(): Promise<void> {
    for (const path of mountsBelow(this.config.runDirectory)) await unmount(path);
  }

  async space(): Promise<{ bytes: bigint; freeBytes: bigint }> {
    const { bsize, blocks, bavail } = await statfs(this.config.home, { bigint: true });
    return { bytes: bsize * blocks, freeBytes: bsize * bavail };
  }

  /** Where all layers appear with the ids of a range; mounted once, used by every container of that range. */
  private shifted(range: IdRange): Promise<string> {
    if (range === buildRange) return Promise.resolve(this.shelf.layers);
    const made = this.shifting.get(range) ?? this.shift(range).finally(() => this.shifting.delete(range));
    this.shifting.set(range, made);
    return made;
  }

  private async shift(range: IdRange): Promise<string> {
    const [from, to, path] = [firstIdOf(this.config, buildRange), firstIdOf(this.config, range), this.shelf.map(range)];
    if (isShifted(path, this.shelf.layers, to)) return path; // for a container before, or by a daemon before
    await clearMount(path);
    directory(path, { mode: 0o700 });
    await withIdMap(from, to, (namespace) => mountShifted(this.shelf.layers, path, namespace));
    return path;
  }

  private mustBeNew(layer: Layer): void {
    if (!existsSync(this.shelf.layer(layer))) return;
    throw new Problem('conflict', `cannot write layer ${layer}: it exists already; remove it first`);
  }

  private async close(layer: Layer): Promise<void> {
    await clearMount(this.shelf.building(layer));
    removeEmpty(this.shelf.building(layer), this.shelf.buildingGate(layer));
    await discard(this.shelf.work(layer), this.shelf.removed);
  }
}

/** Nearest first, which is how overlayfs wants its lower layers, too. */
function lower(chain: Chain): string {
  if (chain.length > 0) return chain.map(layerName).join(':');
  throw new Problem('invalid', 'cannot mount a root without layers: it needs a base at least');
}

/** The same directory, seen with its owner shifted. */
function isShifted(path: string, source: string, firstId: number): boolean {
  if (!existsSync(path)) return false;
  const [seen, stored] = [statSync(path), statSync(source)];
  return seen.dev === stored.dev && seen.ino === stored.ino && seen.uid === firstId;
}

function namesIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
