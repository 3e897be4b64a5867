import type { Slot } from './runtime.js';

/** What the kernel counted for one life of a container. */
export type Reading = Readonly<{
  cpuNanos: bigint;
  /** Billable memory: rss + shmem (cgroup v1), anon + shmem + kernel (v2). */
  memoryBytes: bigint;
  /** Beside it, never billed. */
  pageCacheBytes: bigint;
}>;

/** Reads cgroup files; synchronous, because promises cost ten times the CPU here (a thousand containers a sweep). */
export interface Meter {
  /** A slot that does not run is left out. */
  read(slots: Iterable<Slot>): ReadonlyMap<Slot, Reading>;
}
