import { states } from '@berth/container';
import { z } from 'zod';
import { decimal, instant, int } from './values.js';

/** Thousandths of the last minute in which one process, or all, waited (kernel, accounting/psi.rst). */
const Pressure = z.object({ some: int, full: int });

/** What this kernel does not tell is absent. */
export const Health = z.object({
  cpuPressure: Pressure.optional(),
  memoryPressure: Pressure.optional(),
  ioPressure: Pressure.optional(),
  /** Thousandths of the free memory that lie in pieces of less than 32 KiB. */
  fragmentation: int.optional(),
  /** Of the file system that holds containers; 0 where their number is not fixed. */
  inodes: decimal,
  inodesFree: decimal,
  /** Tracked by all containers and the host together. */
  connections: int.optional(),
  connectionsMost: int.optional(),
});

export const HostInfo = z.object({
  /** Grows when a method is added; con N works with site N±1. */
  protocol: int,
  version: z.string(),
  /** Made once with con's database: another one means that cursors into the journal start anew. */
  instance: z.string(),
  driver: z.enum(['linux', 'fake']),
  now: instant,
  kernel: z.string(),
  architecture: z.string(),
  cpus: int,
  memoryBytes: decimal,
  memoryFreeBytes: decimal,
  diskBytes: decimal,
  diskFreeBytes: decimal,
  containers: int,
  running: int,
  /** Where forwarded ports answer. */
  appsHost: z.string(),
  /** Names of containers lie below it; absent where they have none. */
  appsDomain: z.string().optional(),
  /** The key that answers beyond loopback, as `sha256//…`; absent where con answers on loopback alone. */
  pin: z.string().optional(),
  /** Absent from a con before protocol 3. */
  health: Health.optional(),
  warnings: z.array(z.object({ what: z.string(), cure: z.string() })),
});

/** Something that the host and the records tell differently. */
export const Finding = z.object({
  kind: z.enum(['volume', 'moment', 'snapshot', 'container', 'life', 'remains', 'mount', 'address', 'layer']),
  what: z.string(),
  cure: z.string(),
  mended: z.boolean(),
  /** Why it could not be mended. */
  failed: z.string().optional(),
});

export const TemplateState = z.enum(['building', 'ready', 'failed']);

/** One line of a Confile, on its way to being a snapshot. */
export const Step = z.object({
  line: int,
  text: z.string(),
  state: z.enum(['waiting', 'cached', 'running', 'done', 'failed']),
  milliseconds: int.optional(),
  sizeBytes: decimal.optional(),
  /** What it became. */
  snapshot: z.string().optional(),
});

export const Template = z.object({
  name: z.string(),
  version: z.string(),
  /** How its last build stands. One that runs or has failed takes nothing out of service: see `snapshot`. */
  state: TemplateState,
  createdAt: instant,
  /** The line being run, or the one that failed. */
  line: int.optional(),
  lines: int,
  reason: z.string().optional(),
  /** All layers together, of what is in service where something is. */
  sizeBytes: decimal,
  milliseconds: int,
  labels: z.record(z.string(), z.string()),
  ports: z.array(int),
  /** What is in service: the snapshot of the last build that became ready. */
  snapshot: z.string().optional(),
  /** Of what is in service, `sha256:` and the cache key of its last line: the same Confile and files, the same digest. */
  digest: z.string().optional(),
});

export const Snapshot = z.object({
  id: z.string(),
  parent: z.string().optional(),
  text: z.string(),
  createdAt: instant,
  sizeBytes: decimal,
  milliseconds: int,
  /** `name:version` of the templates that end here. */
  templates: z.array(z.string()),
  containers: int,
});

export const Forward = z.object({
  protocol: z.enum(['tcp', 'udp']),
  hostPort: int,
  port: int,
  /** Networks that alone may come this way; absent: everybody may. */
  sources: z.array(z.string()).optional(),
  /** Asked for by `containers.forward`; the others are what the template exposes, and stay. */
  added: z.boolean().optional(),
});

export const Limits = z.object({
  memoryBytes: decimal,
  cpuMillis: int,
  pids: int,
  /** What it may write, its template and its snapshots not among it; absent from a con before protocol 5. */
  diskBytes: decimal.optional(),
});

/** What a container takes of the disk, in bytes. */
export const DiskUse = z.object({
  /** What it wrote and did not delete: what its limit bounds. */
  ownBytes: decimal,
  /** The same and its template, which others may stand on, too. */
  withTemplateBytes: decimal,
  snapshotsBytes: decimal,
});

export const Container = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  template: z.object({ name: z.string(), version: z.string() }),
  state: z.enum(states),
  /** Since when it is in that state. */
  since: instant,
  /** Why it is `failed`. */
  reason: z.string().optional(),
  createdAt: instant,
  trashedUntil: instant.optional(),
  address: z.string(),
  /** By IPv6, where the host has it. */
  address6: z.string().optional(),
  forwards: z.array(Forward),
  /** Its name below the apps' domain of this host, whole. */
  hostName: z.string().optional(),
  /** Domains of its owner's that lead to it. */
  domains: z.array(z.string()).optional(),
  /** Whether it may send mail to strangers (port 25). */
  smtp: z.boolean().optional(),
  /** How fast it may send and be sent; absent: as fast as the host is. */
  outBytesPerSecond: int.optional(),
  inBytesPerSecond: int.optional(),
  /** Private networks that it is in, of its owner's. */
  networks: z.array(z.string()).optional(),
  /** What first boot is told as BERTH_URL; absent where nothing is exposed. */
  url: z.string().optional(),
  limits: Limits,
  tariffTag: z.string(),
  /** How often it was started. */
  boot: int,
  /** Once it is stopped it is started again: it is being restarted, or its host was. */
  again: z.boolean().optional(),
});

/** What a container's volume held at a moment, kept until it is removed or its time is over. */
export const ContainerSnapshot = z.object({
  id: z.string(),
  name: z.string().optional(),
  state: z.enum(['keeping', 'kept', 'removing', 'failed']),
  createdAt: instant,
  /** It is removed then; absent: it stays. */
  expiresAt: instant.optional(),
  /** As if it shared nothing with others; told once it is kept. */
  sizeBytes: decimal.optional(),
  /** Why it is `failed`. */
  reason: z.string().optional(),
});

/** One thing that a container's journal was told. */
export const LogEntry = z.object({
  at: instant,
  /** Who said it, as it calls itself. */
  source: z.string(),
  /** From 0, an emergency, to 7 (RFC 5424 §6.2.1). */
  priority: int.optional(),
  text: z.string(),
});

/** The numbers of one running container; cumulative ones count since its boot. */
export const Usage = z.object({
  id: z.string(),
  cpuNanos: decimal,
  memoryBytes: decimal,
  bytesIn: decimal,
  bytesOut: decimal,
  /** What it wrote and what its snapshots hold, as last measured; absent until then. */
  diskBytes: decimal.optional(),
  /** Whether its app answers, where its Confile has a HEALTHCHECK. */
  health: z.enum(['starting', 'answering', 'failing']).optional(),
});

/** An interval of the journal: deltas from `from` to `to`, which never straddles a UTC hour. */
export const Sample = z.object({
  seq: decimal,
  container: z.string(),
  boot: int,
  tariffTag: z.string(),
  state: z.enum(states),
  from: instant,
  to: instant,
  /** Milliseconds on, from transitions. */
  runMs: decimal,
  cpuNanos: decimal,
  memoryByteSeconds: decimal,
  diskByteSeconds: decimal,
  bytesIn: decimal,
  bytesOut: decimal,
  /** The raw counters behind the deltas, as they stood at `to`. */
  cpuTotalNanos: decimal,
  bytesInTotal: decimal,
  bytesOutTotal: decimal,
});

export type HostInfo = z.output<typeof HostInfo>;
export type Template = z.output<typeof Template>;
export type Step = z.output<typeof Step>;
export type Snapshot = z.output<typeof Snapshot>;
export type Forward = z.output<typeof Forward>;
export type Container = z.output<typeof Container>;
export type ContainerSnapshot = z.output<typeof ContainerSnapshot>;
export type LogEntry = z.output<typeof LogEntry>;
export type DiskUse = z.output<typeof DiskUse>;
export type Usage = z.output<typeof Usage>;
export type Sample = z.output<typeof Sample>;
