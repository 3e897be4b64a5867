import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Moment, Still } from '../layers.js';
import type { Slot } from '../runtime.js';
import type { Disks } from './disks.js';
import { must } from './exec.js';
import { whenFull } from './full.js';
import { discard, removeAll, walkMs } from './removal.js';
import { directory, type Shelf } from './shelf.js';
import { fsyncDirectory, mustExist } from './volume-records.js';

/**
 * Kept states of volumes, as copies of their disks: they share blocks where the host's file system can, and are whole
 * copies elsewhere. A copy is made among what is being removed, so that a kill leaves nothing of it, and moved when whole.
 */
export class Moments {
  constructor(
    private readonly shelf: Shelf,
    private readonly disks: Disks,
  ) {}

  /** Answers the bytes of the copy. */
  async keep(slot: Slot, moment: Moment, still: Still): Promise<bigint> {
    const to = this.shelf.moment(slot, moment);
    mustExist(this.shelf, slot);
    if (!existsSync(to)) {
      await this.whole(`keep moment ${moment} of volume ${slot}`, async (draft) => {
        await this.copyStill(slot, still, `${draft}/disk`);
        await settle(draft, to);
      });
    }
    return allocated(`${to}/disk`);
  }

  async restore(slot: Slot, moment: Moment): Promise<void> {
    const [volume, from] = [mustExist(this.shelf, slot), this.kept(slot, moment)];
    await this.whole(`restore volume ${slot}`, async (draft) => {
      await copy(`${from}/disk`, `${draft}/disk`);
      await flush(`${draft}/disk`);
      await this.disks.exchange(slot, `${draft}/disk`);
      fsyncDirectory(volume);
      await removeAll(draft);
    });
  }

  /** Of all that are kept of a volume. */
  bytes(slot: Slot): bigint {
    const own = this.all().filter((each) => each.slot === slot);
    return own.reduce((sum, { moment }) => sum + allocated(`${this.shelf.moment(slot, moment)}/disk`), 0n);
  }

  async remove(slot: Slot, moment: Moment): Promise<void> {
    await discard(this.shelf.moment(slot, moment), this.shelf.removed);
  }

  all(): Readonly<{ slot: Slot; moment: Moment }>[] {
    if (!existsSync(this.shelf.moments)) return [];
    return readdirSync(this.shelf.moments).flatMap((name) => {
      const [, slot, moment] = /^([1-9]\d*)\.([1-9]\d*)$/.exec(name) ?? [];
      return slot === undefined ? [] : [{ slot: Number(slot), moment: Number(moment) }];
    });
  }

  async duplicate(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void> {
    const target = this.shelf.volume(to);
    if (existsSync(target)) return;
    mustExist(this.shelf, from);
    const kept = moment === undefined ? undefined : this.kept(from, moment);
    await this.whole(`duplicate volume ${from}`, async (draft) => {
      if (kept === undefined) await this.copyStill(from, still, `${draft}/disk`);
      else await copy(`${kept}/disk`, `${draft}/disk`);
      this.disks.noteLimit(draft, this.disks.limitOf(from));
      await settle(draft, target);
    });
  }

  /** What waits to be written is written before anything is halted: it may take its time. */
  private async copyStill(slot: Slot, still: Still, to: string): Promise<void> {
    await must(['sync', '--file-system', await this.disks.attach(slot)], { timeoutMs: walkMs });
    await still(() => this.disks.frozen(slot, () => copy(this.shelf.image(slot), to)));
  }

  /** Nothing of what fails stays, whatever it was. */
  private async whole(doing: string, act: (draft: string) => Promise<void>): Promise<void> {
    const draft = `${this.shelf.removed}/${randomUUID()}`;
    try {
      directory(draft, { mode: 0o700 });
      await act(draft);
    } catch (thrown) {
      await removeAll(draft);
      throw whenFull(thrown, doing);
    }
  }

  private kept(slot: Slot, moment: Moment): string {
    const path = this.shelf.moment(slot, moment);
    if (existsSync(path)) return path;
    throw new Problem('not_found', `cannot find moment ${moment} of volume ${slot}: it does not exist`);
  }
}

/** With its holes. */
async function copy(from: string, to: string): Promise<void> {
  const exactly = ['--sparse=auto', '--reflink=auto', '--no-target-directory', '--preserve=mode'];
  await must(['cp', ...exactly, '--', from, to], { timeoutMs: walkMs });
}

async function flush(path: string): Promise<void> {
  await must(['sync', path], { timeoutMs: walkMs });
}

async function settle(draft: string, place: string): Promise<void> {
  await flush(`${draft}/disk`);
  fsyncDirectory(draft);
  renameSync(draft, place);
  fsyncDirectory(`${place}/..`);
}

function allocated(path: string): bigint {
  return BigInt(statSync(path).blocks) * 512n;
}
