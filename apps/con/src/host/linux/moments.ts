import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { Problem } from '@berth/problem';
import type { Moment, Still } from '../layers.js';
import type { Slot } from '../runtime.js';
import { must } from './exec.js';
import { whenFull } from './full.js';
import { discard, removeAll, walkMs } from './removal.js';
import { directory, type Shelf } from './shelf.js';
import { exchange } from './syscalls.js';

/**
 * Kept states of volumes, as copies of what overlayfs keeps of them: they share blocks where the disk can, and are whole
 * copies elsewhere. A copy is made among what is being removed, so that a kill leaves nothing of it, and moved when whole.
 */
export class Moments {
  constructor(private readonly shelf: Shelf) {}

  async keep(slot: Slot, moment: Moment, still: Still): Promise<void> {
    const [from, to] = [this.existing(slot), this.shelf.moment(slot, moment)];
    if (existsSync(to)) return;
    const doing = `keep moment ${moment} of volume ${slot}`;
    await flush(from);
    await this.whole(doing, async (draft) => {
      await still(() => copyTree(`${from}/upper`, `${draft}/upper`));
      await settle(draft, to);
    });
  }

  async restore(slot: Slot, moment: Moment): Promise<void> {
    const [volume, from] = [this.existing(slot), this.kept(slot, moment)];
    await this.whole(`restore volume ${slot}`, async (draft) => {
      await copyTree(`${from}/upper`, `${draft}/upper`);
      await flush(draft);
      exchange(`${draft}/upper`, `${volume}/upper`);
      await flush(volume);
      await removeAll(draft); // the state before
    });
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
    const source = moment === undefined ? this.existing(from) : this.kept(from, moment);
    await flush(source);
    await this.whole(`duplicate volume ${from}`, async (draft) => {
      const act = (): Promise<void> => copyTree(`${source}/upper`, `${draft}/upper`);
      await (moment === undefined ? still(act) : act());
      await must(['cp', '--archive', '--attributes-only', '--', `${this.existing(from)}/work`, `${draft}/work`]);
      await removeAll(`${draft}/work/work`); // overlayfs's own, made again by the first mount
      await settle(draft, target);
    });
  }

  async writeRecord(slot: Slot, text: string): Promise<void> {
    const path = `${this.existing(slot)}/record`;
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
      fsyncDirectory(this.shelf.volume(slot));
    } catch (thrown) {
      throw whenFull(thrown, `write the record of volume ${slot}`);
    }
    return Promise.resolve();
  }

  records(slots: readonly Slot[]): ReadonlyMap<Slot, string> {
    const paths = slots.map((slot) => [slot, `${this.shelf.volume(slot)}/record`] as const);
    return new Map(
      paths.filter(([, path]) => existsSync(path)).map(([slot, path]) => [slot, readFileSync(path, 'utf8')]),
    );
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

  private existing(slot: Slot): string {
    const path = this.shelf.volume(slot);
    if (existsSync(path)) return path;
    throw new Problem('not_found', `cannot find volume ${slot}: it does not exist`);
  }

  private kept(slot: Slot, moment: Moment): string {
    const path = this.shelf.moment(slot, moment);
    if (existsSync(path)) return path;
    throw new Problem('not_found', `cannot find moment ${moment} of volume ${slot}: it does not exist`);
  }
}

/** Whiteouts, opaque directories, hard links, holes, capabilities: as they are. `cp` refuses where an attribute is lost. */
export async function copyTree(from: string, to: string): Promise<void> {
  const exactly = ['--recursive', '--no-dereference', '--preserve=all,xattr', '--sparse=auto', '--reflink=auto'];
  await must(['cp', ...exactly, '--one-file-system', '--no-target-directory', '--', from, to], { timeoutMs: walkMs });
}

async function flush(path: string): Promise<void> {
  await must(['sync', '--file-system', path], { timeoutMs: walkMs });
}

async function settle(draft: string, place: string): Promise<void> {
  await flush(draft);
  renameSync(draft, place);
  fsyncDirectory(`${place}/..`);
}

function fsyncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
