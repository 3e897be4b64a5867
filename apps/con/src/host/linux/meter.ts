import { closeSync, openSync, readSync } from 'node:fs';
import type { Meter, Reading } from '../meter.js';
import type { Slot } from '../runtime.js';
import { codeOf, type Cgroups } from './cgroups.js';
import { readingOf } from './reading.js';

/** Memory is absent once nothing runs. */
type Open = Readonly<{ cpu: number; memory: number | undefined }>;

/** Keeps the two files of each container open, because opening costs three times what reading does. */
export class LinuxMeter implements Meter {
  private readonly open = new Map<Slot, Open>();
  private readonly buffer = Buffer.alloc(16_384);

  constructor(private readonly cgroups: Cgroups) {}

  read(slots: Iterable<Slot>): ReadonlyMap<Slot, Reading> {
    const readings = new Map<Slot, Reading>();
    for (const slot of slots) {
      const reading = this.readOne(slot);
      if (reading) readings.set(slot, reading);
    }
    return readings;
  }

  /** Closes what it holds of a container that has ended. */
  forget(slot: Slot): void {
    const files = this.open.get(slot);
    if (!files) return;
    this.open.delete(slot);
    closeSync(files.cpu);
    if (files.memory !== undefined) closeSync(files.memory);
  }

  close(): void {
    for (const slot of [...this.open.keys()]) this.forget(slot);
  }

  /** A cgroup that was removed and made again under its name answers ENODEV on the old file: it is opened anew, once. */
  private readOne(slot: Slot): Reading | undefined {
    const kept = this.open.get(slot);
    const reading = kept && this.attempt(kept);
    if (reading?.isAlive) return reading;
    this.forget(slot);
    const fresh = this.openFiles(slot);
    if (!fresh) return undefined;
    this.open.set(slot, fresh);
    return this.attempt(fresh);
  }

  private attempt(files: Open): Reading | undefined {
    try {
      return readingOf(this.text(files.cpu), files.memory === undefined ? undefined : this.text(files.memory));
    } catch (cause) {
      if (codeOf(cause) === 'ENODEV') return undefined;
      throw cause;
    }
  }

  private text(file: number): string {
    return this.buffer.toString('latin1', 0, readSync(file, this.buffer, 0, this.buffer.length, 0));
  }

  private openFiles(slot: Slot): Open | undefined {
    const cpu = this.cgroups.of('cpuacct');
    const memory = this.cgroups.of('memory');
    if (!cpu || !memory) return undefined;
    const lives = this.cgroups.lives(slot);
    const cpuFile = openIfThere(`${cpu.path}/${lives}/${cpu.version === 1 ? 'cpuacct.usage' : 'cpu.stat'}`);
    if (cpuFile === undefined) return undefined;
    return { cpu: cpuFile, memory: openIfThere(`${memory.path}/${this.cgroups.box(slot)}/memory.stat`) };
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENODEV') return undefined;
    throw cause;
  }
}
