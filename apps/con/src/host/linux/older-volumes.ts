import { existsSync, renameSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Slot } from '../runtime.js';
import type { Disks } from './disks.js';
import { must } from './exec.js';
import { isMounted } from './mounts.js';
import { removeAll, walkMs } from './removal.js';
import type { Shelf } from './shelf.js';
import { bytesBelow, copyTree } from './tree.js';

/** What a volume is held to that knew no limit before, unless it holds more than half of it. */
const usualBytes = 10n * 1024n ** 3n;

/** Volumes of a con from before disks had sizes: directories of home, which overlayfs wrote to. Each gets a disk at its next start. */
export class OlderVolumes {
  constructor(
    private readonly shelf: Shelf,
    private readonly disks: Disks,
  ) {}

  is(slot: Slot): boolean {
    return existsSync(this.upper(slot));
  }

  bytes(slot: Slot): Promise<bigint> {
    return bytesBelow(this.upper(slot));
  }

  /** Puts it on a disk; nothing to do is success. A kill before it is whole leaves it as it was. @throws Problem `conflict` while it is mounted. */
  async convert(slot: Slot): Promise<void> {
    if (!this.is(slot)) return;
    if (isMounted(this.shelf.root(slot))) {
      throw new Problem('conflict', `cannot give volume ${slot} a disk while it is in use: stop its container first`);
    }
    // Half a disk of an attempt before is no disk: the directory goes only once all of it is there.
    await this.disks.detach(slot);
    await removeAll(this.shelf.image(slot));
    const used = await this.bytes(slot);
    await this.disks.make(slot, used * 2n > usualBytes ? used * 2n : usualBytes);
    const disk = await this.disks.attach(slot);
    await copyTree(this.upper(slot), `${disk}/upper`);
    await must(['sync', '--file-system', disk], { timeoutMs: walkMs });
    await must(['sync', this.shelf.image(slot)], { timeoutMs: walkMs });
    const done = `${this.shelf.volume(slot)}/upper.done`;
    renameSync(this.upper(slot), done);
    await removeAll(done);
    await removeAll(`${this.shelf.volume(slot)}/work`);
  }

  private upper(slot: Slot): string {
    return `${this.shelf.volume(slot)}/upper`;
  }
}
