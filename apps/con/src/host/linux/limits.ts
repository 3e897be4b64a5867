import { readFileSync, writeFileSync } from 'node:fs';
import type { Limits } from '@berth/container';
import { tooLittleMemory, type Slot } from '../runtime.js';
import { codeOf, readIfThere, type Cgroups } from './cgroups.js';

/** Of the CPU's time, in microseconds: a container is held to a share of each (kernel, sched-bwc). */
export const periodUs = 100_000;

/** The kernel rounds memory down to whole pages. */
const pageBytes = 4096n;

export function quotaUs({ cpuMillis }: Pick<Limits, 'cpuMillis'>): number {
  return cpuMillis * (periodUs / 1000);
}

/**
 * Holds a running container to other limits: memory first, because it alone can be refused.
 * @throws Problem `conflict` where more memory is in use than could be given back.
 */
export function setLimits(cgroups: Cgroups, slot: Slot, limits: Limits): void {
  setMemory(cgroups, slot, limits.memoryBytes);
  if (cgroups.isUnified('cpu')) writeFileSync(cgroups.file('cpu', slot, 'cpu.max'), `${quotaUs(limits)} ${periodUs}`);
  else writeFileSync(cgroups.file('cpu', slot, 'cpu.cfs_quota_us'), `${quotaUs(limits)}`);
  writeFileSync(cgroups.file('pids', slot, 'pids.max'), `${limits.pids}`);
}

/** Whether the kernel holds it to just these, by two files that tell. */
export function isHeldTo(cgroups: Cgroups, slot: Slot, limits: Limits): boolean {
  const isUnified = cgroups.isUnified('memory');
  const memory = cgroups.file('memory', slot, isUnified ? 'memory.max' : 'memory.limit_in_bytes');
  const pids = cgroups.file('pids', slot, 'pids.max');
  return (
    readFileSync(memory, 'utf8').trim() === `${limits.memoryBytes - (limits.memoryBytes % pageBytes)}` &&
    readFileSync(pids, 'utf8').trim() === `${limits.pids}`
  );
}

/**
 * v2 would end processes to get below a limit that is too low, and v1 refuses after having thrown all page cache away:
 * what cannot be given back is looked at first.
 */
function setMemory(cgroups: Cgroups, slot: Slot, bytes: bigint): void {
  const used = held(cgroups, slot);
  if (used > bytes) throw tooLittleMemory(used);
  const file = (name: string): string => cgroups.file('memory', slot, name);
  if (cgroups.isUnified('memory')) return writeFileSync(file('memory.max'), `${bytes}`);
  const names = ['memory.limit_in_bytes', ...(cgroups.countsSwap ? ['memory.memsw.limit_in_bytes'] : [])];
  // Memory alone may never exceed memory and swap together: the order depends on the direction.
  const isLess = bytes < BigInt(readFileSync(file('memory.limit_in_bytes'), 'utf8').trim());
  try {
    for (const name of isLess ? names : names.reverse()) writeFileSync(file(name), `${bytes}`);
  } catch (cause) {
    if (codeOf(cause) === 'EBUSY') throw tooLittleMemory(held(cgroups, slot));
    throw cause;
  }
}

/** What is in use and is no page cache of files: that alone is given back without harm. */
function held(cgroups: Cgroups, slot: Slot): bigint {
  const isUnified = cgroups.isUnified('memory');
  const number = (text: string | undefined): bigint => BigInt(text?.trim() || 0);
  const all = number(readIfThere(cgroups.file('memory', slot, isUnified ? 'memory.current' : 'memory.usage_in_bytes')));
  const stat = readIfThere(cgroups.file('memory', slot, 'memory.stat')) ?? '';
  const of = (name: string): bigint => number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1]);
  const prefix = isUnified ? '' : 'total_';
  const cache = of(`${prefix}active_file`) + of(`${prefix}inactive_file`);
  return all > cache ? all - cache : 0n;
}
