import { z } from 'zod';
import * as record from './records.js';
import { decimal, instant, int, position } from './values.js';

/** Grows by one with every change of the table; see `host.info`. */
export const protocolVersion = 5;

export type Method = Readonly<{
  /** One sentence: `system.methodHelp`, the command line's help and the documentation. */
  help: string;
  /** The one struct it takes; a method whose struct is empty may be called without it. */
  params: z.ZodObject;
  result: z.ZodObject;
}>;

const templateKey = z.strictObject({ name: z.string(), version: z.string() });
const TariffTag = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII letters');
const byId = z.strictObject({ id: z.string() });

/** The one table of con's methods. A new method is one row here, and then the compiler asks for its handler. */
export const methods = {
  'host.info': {
    help: 'Tells version, driver, sizes, health and warnings of this host.',
    params: z.strictObject({}),
    result: record.HostInfo,
  },
  'host.recover': {
    help: 'Brings back on record what volumes say of themselves, after the database was lost; it adds, and changes or removes nothing. With dryRun it only tells.',
    params: z.strictObject({ dryRun: z.boolean().optional() }),
    result: z.object({
      recovered: z.array(z.object({ id: z.string(), name: z.string(), owner: z.string(), slot: int })),
      left: z.array(z.object({ slot: int, why: z.string() })),
    }),
  },
  'host.doctor': {
    help: 'Lists what the host and the records tell differently; with mend it brings both together. Only what bears this con’s label is destroyed, and more than a few at once only with yes.',
    params: z.strictObject({ mend: z.boolean().optional(), yes: z.boolean().optional() }),
    result: z.object({
      findings: z.array(record.Finding),
      /** So many would have been destroyed, to which nobody has said yes: none was. */
      held: int,
    }),
  },
  'templates.build': {
    help: 'Builds a template from a Confile, line by line; answers at once, and templates.get tells how it goes. With contextBytes the answer names a path to which a tar of the files for COPY is to be PUT.',
    params: z.strictObject({
      name: z.string(),
      version: z.string(),
      confile: z.string().max(262_144),
      /** Values for its ARGs, by name. */
      args: z.record(z.string(), z.string()).optional(),
      contextBytes: position.optional(),
    }),
    result: z.object({ template: record.Template, upload: z.string().optional() }),
  },
  'templates.cancel': {
    help: 'Ends a build and removes what only it made; a template that was ready before stays as it was. Not being built is success.',
    params: templateKey,
    result: z.object({}),
  },
  'templates.list': {
    help: 'Lists the templates.',
    params: z.strictObject({}),
    result: z.object({ templates: z.array(record.Template) }),
  },
  'templates.get': {
    help: 'Tells one template with its lines, their state, seconds and size.',
    params: templateKey,
    result: z.object({ template: record.Template, steps: z.array(record.Step) }),
  },
  'templates.tree': {
    help: 'Lists every snapshot with its parent: the templates as the tree they are.',
    params: z.strictObject({}),
    result: z.object({ snapshots: z.array(record.Snapshot) }),
  },
  'templates.log': {
    help: 'Reads what a line of a Confile printed, 64 KiB at a time from an offset.',
    params: templateKey.extend({ line: int, offset: position.optional() }),
    result: z.object({ text: z.string(), next: decimal, done: z.boolean() }),
  },
  'templates.remove': {
    help: 'Removes a template and the snapshots that nothing else stands on; refused while a container uses it.',
    params: templateKey,
    result: z.object({}),
  },
  'templates.prune': {
    help: 'Removes snapshots that only failed builds and containers that are gone still hold, and tells them; with dryRun it only tells. The next build of such a Confile runs those lines anew.',
    params: z.strictObject({
      dryRun: z.boolean().optional(),
      olderThanSeconds: int.min(0).max(3_153_600_000).optional(),
    }),
    result: z.object({
      snapshots: z.array(record.Snapshot.pick({ id: true, text: true, createdAt: true, sizeBytes: true })),
      /** All of them together. */
      bytes: decimal,
    }),
  },
  'containers.create': {
    help: 'Creates a stopped container from a template; the same id and values again are the same container.',
    params: z.strictObject({
      id: z.string(),
      name: z.string(),
      owner: z.string(),
      template: templateKey,
      limits: record.Limits.optional(),
      /** Opaque to con: printed on bills and in tables, and therefore on one line. */
      tariffTag: TariffTag.optional(),
    }),
    result: z.object({ container: record.Container }),
  },
  'containers.duplicate': {
    help: 'Creates a container with what another holds now, also while that runs, or held in a snapshot; of the same owner and template, with a machine-id, host keys, address, ports and secret of its own. Answers at once; it is stopped when it is whole.',
    params: byId.extend({
      /** The id of the one to copy; `id` is the new one’s. */
      from: z.string(),
      name: z.string(),
      snapshot: z.string().optional(),
      /** As those of the one to copy unless told, like the tag. */
      limits: record.Limits.optional(),
      tariffTag: TariffTag.optional(),
    }),
    result: z.object({ container: record.Container }),
  },
  'containers.start': {
    help: 'Starts a container; answers at once, and its state tells when it runs.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.stop': {
    help: 'Stops a container: its init is asked, and killed once timeoutMs (10,000 unless told) have passed.',
    params: byId.extend({ timeoutMs: int.min(0).max(600_000).optional() }),
    result: z.object({ container: record.Container }),
  },
  'containers.kill': {
    help: 'Stops a container at once, without asking its init.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.restart': {
    help: 'Stops a container, asking its init as a stop does, then starts it.',
    params: byId.extend({ timeoutMs: int.min(0).max(600_000).optional() }),
    result: z.object({ container: record.Container }),
  },
  'containers.freeze': {
    help: 'Halts every process of a running container where it is; its memory stays in use.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.thaw': {
    help: 'Lets a frozen container run on.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.rename': {
    help: 'Gives a container another name; its host name follows at its next start.',
    params: byId.extend({ name: z.string() }),
    result: z.object({ container: record.Container }),
  },
  'containers.limit': {
    help: 'Holds a container to other limits, at once where it runs; refused where it uses more memory or disk than that.',
    params: byId.extend({ limits: record.Limits }),
    result: z.object({ container: record.Container }),
  },
  'containers.forward': {
    help: 'Leads a port of the host to a port of a container, at once where it runs; the same protocol and port again is the same forward, open to the sources that are told, or to everybody.',
    params: byId.extend({
      protocol: z.enum(['tcp', 'udp']).optional(),
      port: int.min(1).max(65_535),
      /** One of the pool unless told. */
      hostPort: int.min(1).max(65_535).optional(),
      /** IPv4 and IPv6 networks such as 198.51.100.0/24. */
      sources: z.array(z.string()).max(64).optional(),
    }),
    result: z.object({ container: record.Container, hostPort: int }),
  },
  'containers.unforward': {
    help: 'Takes a port of the host from a container and ends the connections that came by it; not of those that its template exposes. Already gone is success.',
    params: byId.extend({ protocol: z.enum(['tcp', 'udp']).optional(), hostPort: int.min(1).max(65_535) }),
    result: z.object({ container: record.Container }),
  },
  'containers.network': {
    help: 'Changes what the network gives a container: smtp opens mail to strangers, port 25; the rates are the most bytes a second that it may send and be sent, 0 for no limit. What is not told stays as it is.',
    params: byId.extend({
      smtp: z.boolean().optional(),
      outBytesPerSecond: int.min(0).optional(),
      inBytesPerSecond: int.min(0).optional(),
    }),
    result: z.object({ container: record.Container }),
  },
  'containers.join': {
    help: 'Lets a container into a private network of its owner, where it and the others in it reach each other; the first to join makes it.',
    params: byId.extend({ network: z.string() }),
    result: z.object({ container: record.Container }),
  },
  'containers.leave': {
    help: 'Takes a container out of a private network; what is connected through it is cut off at once.',
    params: byId.extend({ network: z.string() }),
    result: z.object({ container: record.Container }),
  },
  'containers.domains': {
    help: 'Leads names to the first port that the template exposes, with TLS: name is one below the apps’ domain of this host, domains are whole ones of the owner’s. What is not told stays; an empty name or list takes away.',
    params: byId.extend({
      name: z.string().max(63).optional(),
      domains: z.array(z.string().max(253)).max(100).optional(),
    }),
    result: z.object({ container: record.Container }),
  },
  'containers.snapshot': {
    help: 'Keeps what a container holds now, also while it runs, halted for no longer than that takes; answers at once, and containers.snapshots tells when it is kept. The same id again is the same snapshot.',
    params: byId.extend({
      /** Of the snapshot, among those of this container. */
      snapshot: z.string(),
      name: z.string().optional(),
      expiresAt: instant.optional(),
    }),
    result: z.object({ snapshot: record.ContainerSnapshot }),
  },
  'containers.snapshots': {
    help: 'Lists the snapshots of a container, the oldest first.',
    params: byId,
    result: z.object({ snapshots: z.array(record.ContainerSnapshot) }),
  },
  'containers.restoreSnapshot': {
    help: 'Puts a snapshot in place of what a stopped container holds; every snapshot stays, and what it held meanwhile is gone.',
    params: byId.extend({ snapshot: z.string() }),
    result: z.object({ container: record.Container }),
  },
  'containers.removeSnapshot': {
    help: 'Removes a snapshot for good; the others stay. Already gone is success.',
    params: byId.extend({ snapshot: z.string() }),
    result: z.object({}),
  },
  'containers.list': {
    help: 'Lists the containers and the numbers of those that run; the containers themselves are left out where `version` is still the known one.',
    params: z.strictObject({ known: z.string().optional() }),
    result: z.object({
      observedAt: instant,
      version: z.string(),
      containers: z.array(record.Container).optional(),
      usage: z.array(record.Usage),
    }),
  },
  'containers.get': {
    help: 'Tells one container, with what it takes of the disk.',
    params: byId,
    result: z.object({
      container: record.Container,
      usage: record.Usage.optional(),
      disk: record.DiskUse.optional(),
    }),
  },
  'containers.trash': {
    help: 'Puts a container into the trash, stopping it first; it is kept until trashedUntil.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.restore': {
    help: 'Takes a container out of the trash; it is stopped then.',
    params: byId,
    result: z.object({ container: record.Container }),
  },
  'containers.destroy': {
    help: 'Destroys a trashed or failed container and its data for good; already gone is success.',
    params: byId,
    result: z.object({}),
  },
  'containers.expire': {
    help: 'Destroys what has been in the trash for its time, as con does by itself; more than 5 and 2 % of the containers at once only with all.',
    params: z.strictObject({ all: z.boolean().optional() }),
    result: z.object({ destroyed: int, kept: int }),
  },
  'containers.exec': {
    help: 'Prepares a command inside a running container; the answer names a path on which a WebSocket carries its input, output and exit code.',
    params: byId.extend({
      argv: z.array(z.string().max(65_536)).min(1).max(1_000),
      timeoutMs: int.min(1).max(3_600_000).optional(),
    }),
    result: z.object({ stream: z.string() }),
  },
  'containers.logs': {
    help: 'Reads the journal of a container, whether it runs or not: the last lines, or what came after a place. Where more is true the next call goes on at once.',
    params: byId.extend({
      /** What `next` said last time. */
      after: z.string().max(300).optional(),
      lines: int.min(1).max(1_000).optional(),
    }),
    result: z.object({ entries: z.array(record.LogEntry), next: z.string().optional(), more: z.boolean() }),
  },
  'usage.read': {
    help: 'Reads the journal after a cursor. With cut, every container is sampled first, so that the answer reaches up to now.',
    params: z.strictObject({
      after: position.optional(),
      limit: int.min(1).max(10_000).optional(),
      cut: z.boolean().optional(),
    }),
    result: z.object({
      instance: z.string(),
      samples: z.array(record.Sample),
      /** The cursor to give next time. */
      next: decimal,
      /** Every interval that ended before this moment has a seq of at most `next`. */
      completeUntil: instant,
      observedAt: instant,
    }),
  },
} as const satisfies Record<string, Method>;

export type MethodName = keyof typeof methods;
