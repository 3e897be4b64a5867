import { states } from '@berth/container';
import { z } from 'zod';

/** Nanos and bytes travel as decimal strings, because JSON's numbers end at 2⁵³. */
export const decimal = z.codec(z.string().regex(/^(0|-?[1-9]\d{0,38})$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});

export const instant = z.iso.datetime();

export const Role = z.enum(['customer', 'admin']);
export const Locale = z.enum(['en', 'de']);

/** Who is signed in, and what every page needs to know of the installation. */
export const Session = z.object({
  customer: z.object({ id: z.string(), email: z.string(), name: z.string(), role: Role, locale: Locale }).optional(),
  currency: z.string(),
  /** The fake host is in use: a banner on every page says so. */
  demo: z.boolean(),
  now: instant,
});

export const Size = z.object({
  id: z.string(),
  memoryBytes: decimal,
  cpuMillis: z.int(),
  pids: z.int(),
  /** While it runs. A month has 730 hours. */
  hourNanos: decimal,
  monthNanos: decimal,
});

export const App = z.object({
  /** Template's name. */
  name: z.string(),
  title: z.string(),
  sentence: z.object({ en: z.string(), de: z.string() }),
  /** An SVG as a data URL, or absent. */
  icon: z.string().optional(),
  versions: z.array(z.string()).min(1),
  /** The smallest size it runs well in. */
  suggestedSize: z.string(),
});

export const Catalogue = z.object({
  apps: z.array(App),
  sizes: z.array(Size),
  tariff: z.object({
    id: z.string(),
    currency: z.string(),
    /** Charged besides time on: for a CPU-hour, a GiB-hour of memory or disk, a GiB of traffic. */
    besides: z.array(z.object({ measure: z.enum(['cpu', 'memory', 'disk', 'traffic']), nanos: decimal })),
  }),
  /** A good name nobody uses yet. */
  suggestedName: z.string(),
  /** True while a host does not answer or builds: there may be more apps than these. */
  mayGrow: z.boolean(),
});

/** con's words and one of site's own: the host has been silent for two polling periods. Unknown is never running. */
export const ContainerState = z.enum([...states, 'unknown']);

/** The numbers of the last two answers, as rates where that reads better. */
export const Numbers = z.object({
  /** Thousandths of a core since the answer before. */
  cpuMillis: z.int(),
  memoryBytes: decimal,
  bytesIn: decimal,
  bytesOut: decimal,
});

/** A kind of `@berth/problem`; one that an older page does not know has its `reason` still. */
export const Why = z.object({ kind: z.string(), blanks: z.record(z.string(), z.union([z.string(), z.number()])) });

export const Container = z.object({
  id: z.string(),
  name: z.string(),
  app: z.object({ name: z.string(), version: z.string(), title: z.string() }),
  size: z.string(),
  memoryBytes: decimal,
  state: ContainerState,
  /** Since when it is in that state; of `unknown`, since when the host is silent. */
  since: instant,
  /** What was asked for and is not yet confirmed by the host. */
  asked: z.enum(['start', 'stop', 'restart', 'kill', 'freeze', 'thaw', 'trash', 'restore', 'destroy']).optional(),
  /** In English, and where the page has a sentence of its own, its kind and what it names. */
  reason: z.string().optional(),
  why: Why.optional(),
  url: z.string().optional(),
  /** Whether its login has neither been put away nor is impossible: the dashboard offers to show it. */
  loginWaiting: z.boolean(),
  createdAt: instant,
  trashedUntil: instant.optional(),
  numbers: Numbers.optional(),
  /** Since midnight in the billing time zone, the open hour included. */
  costTodayNanos: decimal,
  hourNanos: decimal,
  host: z.string(),
  /** When the host last told about it; the age is computed in the browser against `now`. */
  observedAt: instant.optional(),
});

export const ContainerList = z.object({
  containers: z.array(Container),
  /** False once the credit is used up: what was on is turned off, and nothing starts. */
  mayStart: z.boolean(),
  now: instant,
  currency: z.string(),
});

/** A kept state of a container. */
export const ContainerSnapshot = z.object({
  id: z.string(),
  name: z.string().optional(),
  state: z.enum(['keeping', 'kept', 'removing', 'failed']),
  createdAt: instant,
  /** Told once it is kept. */
  sizeBytes: decimal.optional(),
  reason: z.string().optional(),
});

/** What the page of one container shows beside its row. */
export const ContainerDetail = z.object({
  container: Container,
  cpuMillis: z.int(),
  pids: z.int(),
  /** Whether its app answers, where its template says how to ask. */
  health: z.enum(['starting', 'answering', 'failing']).optional(),
  /** Doors to it by a port of its host. */
  forwards: z.array(z.object({ protocol: z.enum(['tcp', 'udp']), hostPort: z.int(), port: z.int() })),
  domains: z.array(z.string()),
  /** The oldest first; absent while its host is silent. */
  snapshots: z.array(ContainerSnapshot).optional(),
});

/** What an app says of its first sign-in, as its first boot wrote it. */
export const Login = z.object({ user: z.string(), password: z.string(), url: z.string().optional() });

export const Billing = z.object({
  currency: z.string(),
  /** What the customer has: top-ups and trial credit less what was invoiced. */
  balanceNanos: decimal,
  /** Used and not yet invoiced, the open hour included. */
  unbilledNanos: decimal,
  /** balance − unbilled. */
  leftNanos: decimal,
  now: instant,
});

export const InvoiceSummary = z.object({
  number: z.string(),
  issuedAt: instant,
  periodFrom: instant,
  /** Exclusive: midnight after the last day. */
  periodTo: instant,
  /** By whose clocks its days are counted: dates on a page are those on the PDF, wherever it is read. */
  timeZone: z.string(),
  grossNanos: decimal,
  currency: z.string(),
  customer: z.object({ id: z.string(), email: z.string() }),
});

export const InvoiceLine = z.object({
  text: z.string(),
  lease: z.string(),
  measure: z.string(),
  from: instant,
  to: instant,
  /** In the measure's own smallest unit: milliseconds on, for `run`. */
  quantity: decimal,
  /** Net: `priceNanos` for `pricePer` of that unit. An hour's amount is rounded half to even once. */
  priceNanos: decimal.optional(),
  pricePer: decimal.optional(),
  nanos: decimal,
});

export const Invoice = InvoiceSummary.extend({
  netNanos: decimal,
  vatNanos: decimal,
  roundingNanos: decimal,
  lines: z.array(InvoiceLine),
});

export const CustomerSummary = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: Role,
  createdAt: instant,
  balanceNanos: decimal,
  unbilledNanos: decimal,
  containers: z.int(),
});

export const Host = z.object({
  name: z.string(),
  state: z.enum(['answering', 'silent']),
  observedAt: instant.optional(),
  /** Why it is silent. */
  reason: z.string().optional(),
  driver: z.enum(['linux', 'fake']).optional(),
  version: z.string().optional(),
  containers: z.int().optional(),
  running: z.int().optional(),
  memoryBytes: decimal.optional(),
  memoryFreeBytes: decimal.optional(),
  diskBytes: decimal.optional(),
  diskFreeBytes: decimal.optional(),
  warnings: z.array(z.object({ what: z.string(), cure: z.string() })),
});

/** One line of a Confile, on its way to being a snapshot. */
export const Step = z.object({
  line: z.int(),
  text: z.string(),
  state: z.enum(['waiting', 'cached', 'running', 'done', 'failed']),
  milliseconds: z.int().optional(),
  sizeBytes: decimal.optional(),
  snapshot: z.string().optional(),
});

/** A named, versioned leaf of a host's tree of snapshots. */
export const Template = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(['building', 'ready', 'failed']),
  createdAt: instant,
  /** The line being run, or the one that failed. */
  line: z.int().optional(),
  lines: z.int(),
  reason: z.string().optional(),
  sizeBytes: decimal,
  milliseconds: z.int(),
});

/** What one line left behind, and who stands on it. */
export const Snapshot = z.object({
  id: z.string(),
  parent: z.string().optional(),
  text: z.string(),
  createdAt: instant,
  sizeBytes: decimal,
  milliseconds: z.int(),
  /** `name:version` of the templates that end here. */
  templates: z.array(z.string()),
  containers: z.int(),
});

export type Step = z.output<typeof Step>;
export type Template = z.output<typeof Template>;
export type Snapshot = z.output<typeof Snapshot>;
export type Role = z.output<typeof Role>;
export type Locale = z.output<typeof Locale>;
export type Session = z.output<typeof Session>;
export type Size = z.output<typeof Size>;
export type App = z.output<typeof App>;
export type Catalogue = z.output<typeof Catalogue>;
export type ContainerState = z.output<typeof ContainerState>;
export type Container = z.output<typeof Container>;
export type ContainerSnapshot = z.output<typeof ContainerSnapshot>;
export type ContainerDetail = z.output<typeof ContainerDetail>;
export type ContainerList = z.output<typeof ContainerList>;
export type Login = z.output<typeof Login>;
export type Billing = z.output<typeof Billing>;
export type InvoiceSummary = z.output<typeof InvoiceSummary>;
export type InvoiceLine = z.output<typeof InvoiceLine>;
export type Invoice = z.output<typeof Invoice>;
export type CustomerSummary = z.output<typeof CustomerSummary>;
export type Host = z.output<typeof Host>;
