import type { Warning } from './host.js';

/** How much of the last minute something waited for, in thousandths (kernel, Documentation/accounting/psi.rst). */
export type Pressure = Readonly<{
  /** At least one process waited. */
  some: number;
  /** All that could have run waited. */
  full: number;
}>;

/** How a host is, beside what it has. What this kernel does not tell is absent. */
export type Health = Readonly<{
  cpuPressure?: Pressure;
  memoryPressure?: Pressure;
  ioPressure?: Pressure;
  /**
   * Thousandths of free memory that lie in pieces of less than 32 KiB, too small for the stacks and tables of new
   * processes (what the kernel calls the unusable free space index, of order 3).
   */
  fragmentation?: number;
  memoryBytes: bigint;
  memoryFreeBytes: bigint;
  diskBytes: bigint;
  diskFreeBytes: bigint;
  inodes: bigint;
  inodesFree: bigint;
  /** Connections tracked by all containers and the host together. */
  connections?: number;
  connectionsMost?: number;
}>;

type Rule = Readonly<{ holds: (health: Health) => boolean; what: (health: Health) => string; cure: string }>;

const percent = (thousandths: number): string => `${Math.round(thousandths / 10)} %`;
const left = (free: bigint, all: bigint): number => (all === 0n ? 1_000 : Number((free * 1_000n) / all));

const rules: readonly Rule[] = [
  {
    holds: ({ memoryFreeBytes, memoryBytes }) => left(memoryFreeBytes, memoryBytes) < 50,
    what: ({ memoryFreeBytes, memoryBytes }) => `${percent(left(memoryFreeBytes, memoryBytes))} of the memory is left`,
    cure: 'stop containers or move them to another host: where none is left, the kernel ends processes',
  },
  {
    holds: ({ memoryPressure }) => (memoryPressure?.full ?? 0) >= 100,
    what: ({ memoryPressure }) =>
      `everything waited for memory ${percent(memoryPressure?.full ?? 0)} of the last minute`,
    cure: 'stop containers, or give them or the host more memory',
  },
  {
    holds: ({ ioPressure }) => (ioPressure?.full ?? 0) >= 400,
    what: ({ ioPressure }) => `everything waited for the disk ${percent(ioPressure?.full ?? 0)} of the last minute`,
    cure: 'find out who writes (con containers list), or give the host a faster disk',
  },
  {
    holds: ({ cpuPressure }) => (cpuPressure?.some ?? 0) >= 900,
    what: ({ cpuPressure }) => `something waited for a core ${percent(cpuPressure?.some ?? 0)} of the last minute`,
    cure: 'place no more containers here',
  },
  {
    // Plenty of free memory in small pieces only; where little is free, that is said above.
    holds: ({ fragmentation, memoryFreeBytes, memoryBytes }) =>
      (fragmentation ?? 0) >= 900 && left(memoryFreeBytes, memoryBytes) >= 50,
    what: ({ fragmentation }) => `${percent(fragmentation ?? 0)} of the free memory lies in small pieces`,
    cure: 'starts may fail; the kernel puts it together with: echo 1 > /proc/sys/vm/compact_memory',
  },
  {
    holds: ({ diskFreeBytes, diskBytes }) => left(diskFreeBytes, diskBytes) < 100,
    what: ({ diskFreeBytes, diskBytes }) => `${percent(left(diskFreeBytes, diskBytes))} of the disk is left`,
    cure: 'remove templates that nobody uses and destroy what is in the trash, or add space',
  },
  {
    holds: ({ inodes, inodesFree }) => left(inodesFree, inodes) < 100,
    what: ({ inodes, inodesFree }) => `${percent(left(inodesFree, inodes))} of the inodes is left`,
    cure: 'remove templates that nobody uses and destroy what is in the trash: files cannot be made without inodes',
  },
  {
    holds: ({ connections = 0, connectionsMost = 0 }) => connectionsMost > 0 && connections * 5 >= connectionsMost * 4,
    what: ({ connections, connectionsMost }) => `${connections} of ${connectionsMost} connections are tracked`,
    cure: 'raise net.netfilter.nf_conntrack_max, or lower connectionsPerContainer: beyond it new connections are dropped',
  },
];

/** What an operator should see to, worst first. */
export function ailments(health: Health): Warning[] {
  return rules.filter(({ holds }) => holds(health)).map(({ what, cure }) => ({ what: what(health), cure }));
}
