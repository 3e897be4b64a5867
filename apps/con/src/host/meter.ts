import type { Slot } from './runtime.js';

/** What the kernel counted since a container was turned on; a reboot inside counts on. */
export type Reading = Readonly<{
  /** False once it has ended: its memory is gone, and what it used is still told until it is cleared away. */
  isAlive: boolean;
  cpuNanos: bigint;
  /** Billable memory: rss + shmem (cgroup v1), anon + shmem + kernel (v2). */
  memoryBytes: bigint;
  /** Beside it, never billed. */
  pageCacheBytes: bigint;
}>;

/** Reads cgroup files; synchronous, because promises cost ten times the CPU here (a thousand containers a sweep). */
export interface Meter {
  /** A slot of which nothing is counted is left out. */
  read(slots: Iterable<Slot>): ReadonlyMap<Slot, Reading>;
}
