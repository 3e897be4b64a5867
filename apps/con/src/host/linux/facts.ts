import { readFileSync } from 'node:fs';
import { arch, availableParallelism, release, totalmem } from 'node:os';
import type { Facts } from '../host.js';

/** What the machine is and has free at this moment. */
export function facts(): Facts {
  return {
    kernel: release(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    architecture: arch(),
    cpus: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    memoryFreeBytes: availableBytes(),
  };
}

/** Free in the sense of "could be given to a program", page cache included (proc(5), MemAvailable). */
export function availableBytes(): bigint {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return BigInt(kilobytes ?? 0) * 1024n;
}
