import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Layer, Moment } from '../layers.js';
import type { IdRange, Slot } from '../runtime.js';
import { mustBeSlot } from './names.js';

/**
 * Where layers and volumes lie, and where they are mounted.
 *
 * Home is closed to all but root and holds the bytes. Mount points are in the run directory, which strangers may pass
 * through but not look into: each leads through a directory that only the owner of its ids may enter.
 */
export class Shelf {
  constructor(private readonly config: Pick<Config, 'home' | 'runDirectory'>) {}

  get layers(): string {
    return `${this.config.home}/layers`;
  }
  get volumes(): string {
    return `${this.config.home}/volumes`;
  }
  /** Kept states of volumes. */
  get moments(): string {
    return `${this.config.home}/moments`;
  }
  /** What overlayfs needs beside a layer while it is written to. */
  get works(): string {
    return `${this.config.home}/work`;
  }
  /** Base systems on their way to being layers. */
  get drafts(): string {
    return `${this.config.home}/drafts`;
  }
  /** What is being removed: moved here first, so that a crash leaves no half of it where it was. */
  get removed(): string {
    return `${this.config.home}/removed`;
  }

  layer(layer: Layer): string {
    return `${this.layers}/${layerName(layer)}`;
  }
  work(layer: Layer): string {
    return `${this.works}/${layerName(layer)}`;
  }
  draft(layer: Layer): string {
    return `${this.drafts}/${layerName(layer)}`;
  }
  volume(slot: Slot): string {
    return `${this.volumes}/${mustBeSlot(slot)}`;
  }
  /** The file system of a volume, as a file. */
  image(slot: Slot): string {
    return `${this.volume(slot)}/disk`;
  }
  /** Where the file system of a volume is mounted. */
  disk(slot: Slot): string {
    return `${this.config.runDirectory}/disks/${mustBeSlot(slot)}`;
  }
  moment(slot: Slot, moment: Moment): string {
    return `${this.moments}/${mustBeSlot(slot)}.${mustBeMoment(moment)}`;
  }

  /** The gates of all roots. */
  get roots(): string {
    return `${this.config.runDirectory}/roots`;
  }
  /** The gate that only a container's root may enter, and the root below it. */
  gate(slot: Slot): string {
    return `${this.roots}/${mustBeSlot(slot)}`;
  }
  root(slot: Slot): string {
    return `${this.gate(slot)}/root`;
  }
  buildingGate(layer: Layer): string {
    return `${this.config.runDirectory}/building/${layerName(layer)}`;
  }
  building(layer: Layer): string {
    return `${this.buildingGate(layer)}/root`;
  }
  /** All layers, with the ids of a range. */
  map(range: IdRange): string {
    return `${this.config.runDirectory}/map/${range}`;
  }
  /** A base system with ids from 0, for as long as debootstrap unpacks it. */
  unpacking(layer: Layer): string {
    return `${this.config.runDirectory}/unpacking/${layerName(layer)}`;
  }

  /** Makes the directories that everything else stands in. Already there is success. */
  prepare(buildId: number): void {
    directory(this.config.home, { mode: 0o700 });
    for (const path of [this.volumes, this.moments, this.works, this.drafts, this.removed]) {
      directory(path, { mode: 0o700 });
    }
    directory(this.layers, { mode: 0o700, owner: buildId });
    const run = this.config.runDirectory;
    for (const path of [run, `${run}/roots`, `${run}/building`]) directory(path, { mode: 0o711 });
    for (const path of [`${run}/map`, `${run}/unpacking`, `${run}/disks`]) directory(path, { mode: 0o700 });
  }
}

function mustBeMoment(moment: Moment): Moment {
  if (Number.isSafeInteger(moment) && moment > 0) return moment;
  throw new Problem('invalid', `cannot use moment ${moment}: it must be a whole number above 0`);
}

/** Base 36, because hundreds of names have to fit in one page of mount options. */
export function layerName(layer: Layer): string {
  if (Number.isSafeInteger(layer) && layer > 0) return layer.toString(36);
  throw new Problem('invalid', `cannot use layer ${layer}: it must be a whole number above 0`);
}

/** The layer of a name; absent where no layer is called so. */
export function layerOf(name: string): Layer | undefined {
  const layer = parseInt(name, 36);
  return Number.isSafeInteger(layer) && layer > 0 && layer.toString(36) === name ? layer : undefined;
}

/** Makes a directory, or makes it so. */
export function directory(path: string, { mode, owner = 0 }: { mode: number; owner?: number }): void {
  mkdirSync(path, { recursive: true, mode });
  const stat = statSync(path);
  if (stat.uid !== owner || stat.gid !== owner) chownSync(path, owner, owner);
  if ((stat.mode & 0o7777) !== mode) chmodSync(path, mode);
}
