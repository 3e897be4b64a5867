import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Slot } from '../runtime.js';
import { whenFull } from './full.js';
import type { Shelf } from './shelf.js';

/** The text that each volume carries beside what its container can reach. */
export class VolumeRecords {
  constructor(private readonly shelf: Shelf) {}

  write(slot: Slot, text: string): void {
    const path = `${mustExist(this.shelf, slot)}/record`;
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
      fsyncDirectory(this.shelf.volume(slot));
    } catch (thrown) {
      throw whenFull(thrown, `write the record of volume ${slot}`);
    }
  }

  of(slots: readonly Slot[]): ReadonlyMap<Slot, string> {
    const paths = slots.map((slot) => [slot, `${this.shelf.volume(slot)}/record`] as const);
    return new Map(
      paths.filter(([, path]) => existsSync(path)).map(([slot, path]) => [slot, readFileSync(path, 'utf8')]),
    );
  }
}

/** @throws Problem `not_found`. */
export function mustExist(shelf: Shelf, slot: Slot): string {
  const path = shelf.volume(slot);
  if (existsSync(path)) return path;
  throw new Problem('not_found', `cannot find volume ${slot}: it does not exist`);
}

export function fsyncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
