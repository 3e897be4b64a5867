import { closeSync, openSync, readSync } from 'node:fs';
import type { Meter, Reading } from '../meter.js';
import type { Slot } from '../runtime.js';
import { codeOf, type Cgroups } from './cgroups.js';
import { readingOf } from './reading.js';

type Open = Readonly<{ cpu: number; memory: number }>;

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
    closeSync(files.memory);
  }

  close(): void {
    for (const slot of [...this.open.keys()]) this.forget(slot);
  }

  /** A cgroup that was removed and made again under its name answers ENODEV on the old file: it is opened anew, once. */
  private readOne(slot: Slot): Reading | undefined {
    const kept = this.open.get(slot);
    const reading = kept && this.attempt(kept);
    if (reading) return reading;
    this.forget(slot);
    const fresh = this.openFiles(slot);
    if (!fresh) return undefined;
    this.open.set(slot, fresh);
    return this.attempt(fresh);
  }

  private attempt(files: Open): Reading | undefined {
    try {
      return readingOf(this.text(files.cpu), this.text(files.memory));
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
    const box = this.cgroups.box(slot);
    const cpuFile = openIfThere(`${cpu.path}/${box}/${cpu.version === 1 ? 'cpuacct.usage' : 'cpu.stat'}`);
    if (cpuFile === undefined) return undefined;
    const memoryFile = openIfThere(`${memory.path}/${box}/memory.stat`);
    if (memoryFile !== undefined) return { cpu: cpuFile, memory: memoryFile };
    closeSync(cpuFile);
    return undefined;
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
