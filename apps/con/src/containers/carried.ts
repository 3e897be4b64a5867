import { isOn } from '@berth/container';
import { Problem } from '@berth/problem';
import { z } from 'zod';
import type { Layers } from '../host/layers.js';
import type { TemplateSource } from '../templates/ready.js';
import type { Witness } from './containers.js';
import type { ContainerRecord } from './record.js';
import type { Records } from './records.js';
import type { SnapshotRecords } from './snapshot-records.js';

const whole = z.number().int().min(0);
const time = z.number().int();
const forward = z.object({
  protocol: z.enum(['tcp', 'udp']),
  hostPort: whole,
  port: whole,
  sources: z.array(z.string()).optional(),
  added: z.boolean().optional(),
});

/** What a volume carries of its container, so that a database that is lost can be made again: see `Rebuild`. */
const Carried = z.object({
  berth: z.literal(1),
  /** Of the database that it was copied from. */
  instance: z.string(),
  id: z.string(),
  slot: whole,
  name: z.string(),
  owner: z.string(),
  range: whole,
  template: z.object({ name: z.string(), version: z.string() }),
  /** The layers below it, nearest first, and what the Confile says of those who stand on them. */
  chain: z.array(whole),
  surroundings: z.record(z.string(), z.unknown()),
  forwards: z.array(forward),
  grants: z.object({
    smtp: z.boolean().optional(),
    networks: z.array(z.object({ name: z.string() })).optional(),
    outBytesPerSecond: whole.optional(),
    inBytesPerSecond: whole.optional(),
  }),
  hosts: z.object({ name: z.string().optional(), domains: z.array(z.string()).optional() }),
  limits: z.record(z.string(), z.union([z.number(), z.string()])),
  tariffTag: z.string(),
  secret: z.string(),
  environment: z.record(z.string(), z.string()),
  createdAt: time,
  trashedUntil: time.optional(),
  boot: whole,
  copyOf: z.string().optional(),
  asked: z.string(),
  snapshots: z.array(
    z.object({
      moment: whole,
      id: z.string(),
      asked: z.string(),
      name: z.string().optional(),
      createdAt: time,
      expiresAt: time.optional(),
      sizeBytes: z.string().optional(),
    }),
  ),
});

export type Carried = z.output<typeof Carried>;

/** What a text says; absent where it is none of ours. */
export function readCarried(text: string): Carried | undefined {
  try {
    const read = Carried.safeParse(JSON.parse(text));
    return read.success ? read.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Needs = Readonly<{
  records: Records;
  snapshots: SnapshotRecords;
  layers: Pick<Layers, 'writeRecord' | 'records'>;
  templates: Pick<TemplateSource, 'carriedBy'>;
  instance: string;
  tell: (message: string, error?: unknown) => void;
}>;

/** Keeps what each volume carries of its container as the records say, soon after every change. */
export class CarriedRecords implements Witness {
  private readonly written = new Map<number, string>();
  private readonly due = new Set<string>();
  private work: Promise<void> | undefined;

  constructor(private readonly needs: Needs) {}

  changed({ id }: ContainerRecord): void {
    this.due.add(id);
    this.work ??= this.writeAll(); // it begins after the commit that is under way, and reads what came of it
  }

  async weighed(record: ContainerRecord): Promise<void> {
    this.changed(record);
    await this.idle();
  }

  async leaving(): Promise<void> {
    // What it carries tells of no life.
  }

  failed(): void {
    // What is written is read from the records anew.
  }

  gone({ id, slot }: ContainerRecord): void {
    this.due.delete(id);
    this.written.delete(slot);
  }

  /** At start: what a daemon before could not write any more. */
  async recover(): Promise<void> {
    for (const [slot, text] of await this.needs.layers.records()) this.written.set(slot, text);
    for (const record of this.needs.records.all()) this.changed(record);
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.work) await this.work;
  }

  private async writeAll(): Promise<void> {
    await Promise.resolve();
    for (const id of this.due) {
      this.due.delete(id);
      const record = this.needs.records.get(id);
      if (record) await this.write(record);
    }
    this.work = undefined;
  }

  private async write(record: ContainerRecord): Promise<void> {
    if (record.state === 'creating' || record.state === 'destroying') return; // its volume is not there yet, or no more
    try {
      const text = this.textOf(record);
      if (this.written.get(record.slot) === text) return;
      await this.needs.layers.writeRecord(record.slot, text);
      this.written.set(record.slot, text);
    } catch (error) {
      // One whose creation failed may have no volume. Whatever else it is, the next change writes it all.
      const isMissing = error instanceof Problem && error.code === 'not_found';
      if (!isMissing || isOn(record.state)) this.needs.tell(`cannot leave the record of ${record.name} with it`, error);
    }
  }

  private textOf(record: ContainerRecord): string {
    const { limits, createdAt, trashedUntil, id } = record;
    const carried: Carried = {
      berth: 1,
      instance: this.needs.instance,
      id,
      slot: record.slot,
      name: record.name,
      owner: record.owner,
      range: record.range,
      template: record.template,
      ...this.needs.templates.carriedBy(record.snapshot),
      forwards: record.forwards.map((one) => ({ ...one })),
      grants: { ...record.grants, networks: (record.grants.networks ?? []).map(({ name }) => ({ name })) },
      hosts: { ...record.hosts, domains: [...(record.hosts.domains ?? [])] },
      limits: Object.fromEntries(
        Object.entries(limits).map(([key, value]) => [key, typeof value === 'bigint' ? `${value}` : value]),
      ),
      tariffTag: record.tariffTag,
      secret: record.secret,
      environment: record.environment,
      createdAt: createdAt.getTime(),
      ...(trashedUntil ? { trashedUntil: trashedUntil.getTime() } : {}),
      boot: record.boot,
      ...(record.copyOf === undefined ? {} : { copyOf: record.copyOf }),
      asked: this.needs.records.askedFor(id)?.asked ?? '',
      snapshots: this.needs.snapshots.list(id).flatMap((one) =>
        one.state !== 'kept'
          ? []
          : {
              moment: one.moment,
              id: one.id,
              asked: one.asked,
              createdAt: one.createdAt.getTime(),
              ...(one.name === undefined ? {} : { name: one.name }),
              ...(one.expiresAt ? { expiresAt: one.expiresAt.getTime() } : {}),
              ...(one.sizeBytes === undefined ? {} : { sizeBytes: `${one.sizeBytes}` }),
            },
      ),
    };
    return JSON.stringify(carried);
  }
}
