import { randomBytes } from 'node:crypto';
import { can, defaultLimits, mustBeId, mustBeLimits, mustBeName, type Action, type State } from '@berth/container';
import type { Container, ParamsOf } from '@berth/con-protocol';
import { asProblem, Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { ExecSession, Slot } from '../host/runtime.js';
import type { Numbers } from '../network/numbers.js';
import type { TemplateSource } from '../templates/ready.js';
import type { Clock } from './clock.js';
import { within } from './deadline.js';
import { KeyedLock } from './keyed-lock.js';
import type { Change, ContainerRecord } from './record.js';
import type { Records } from './records.js';
import { forwardings, Life } from './life.js';
import { shown } from './view.js';

export type ContainersNeeds = Readonly<{
  records: Records;
  numbers: Numbers;
  host: Pick<Host, 'runtime' | 'layers' | 'net'>;
  templates: TemplateSource;
  clock: Clock;
  trashSeconds: number;
  /** Told what failed in the background, with its cause. */
  tell: (message: string, error?: unknown) => void;
}>;

/** Who must know of what happens to a container while it happens: the meter. */
export type Witness = Readonly<{
  /** Called at the moment of every transition, the record as it was and as it is. */
  changed(before: ContainerRecord, after: ContainerRecord): void;
  /** Before its network and its processes' counters go. */
  leaving(record: ContainerRecord): Promise<void>;
  /** It is destroyed. */
  gone(record: ContainerRecord): void;
}>;

/** No state in transit lasts longer than this. */
const deadlines = { creating: 60_000, starting: 60_000, stopping: 60_000, destroying: 300_000 } as const;
const stopTimeoutMs = 10_000;

/** Every transition of every container, one at a time for each. Answers at once; the state tells how it ended. */
export class Containers {
  private readonly locks = new KeyedLock();
  private readonly witnesses: Witness[] = [];

  private readonly life: Life;

  constructor(private readonly needs: ContainersNeeds) {
    this.life = new Life(needs);
  }

  witnessedBy(witness: Witness): void {
    this.witnesses.push(witness);
  }

  /** @throws Problem `invalid`, `conflict` for a taken name or id, `not_found` for the template. */
  create(order: ParamsOf<'containers.create'>): Container {
    const { records, templates } = this.needs;
    const id = mustBeId(order.id);
    const asked = JSON.stringify(order, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    const known = records.askedFor(id);
    if (known?.gone)
      throw new Problem('conflict', `cannot create ${id}: that id was used before, and ids are never used again`);
    if (known && known.asked !== asked)
      throw new Problem('conflict', `cannot create ${id}: it exists with other values`);
    if (known) return this.get(id);
    const name = mustBeName(order.name);
    const owner = mustBeName(order.owner, 'owner');
    const limits = mustBeLimits(order.limits ?? defaultLimits);
    if (records.named(owner, name))
      throw new Problem('conflict', `cannot create ${name}: ${owner} has a container of that name`);
    const template = templates.ready(order.template.name, order.template.version);
    const record = this.recorded(order, { id, name, owner, limits, template });
    records.add(record, asked);
    this.witnesses.forEach((witness) => witness.changed({ ...record, state: 'creating' }, record));
    this.settle(record, 'creating', () => this.life.make(record));
    return this.get(id);
  }

  /** Starting what starts or runs already is success. */
  start(id: string): Container {
    const record = this.must(id);
    if (record.state === 'running' || record.state === 'starting') return this.get(id);
    this.mustAllow('start', record);
    const after = this.change(record, { state: 'starting', reason: null, boot: record.boot + 1, startedAt: null });
    this.settle(after, 'starting', () => this.life.begin(after));
    return this.get(id);
  }

  /** Stopping what stops or is off already is success. */
  stop(id: string, timeoutMs = stopTimeoutMs): Container {
    const record = this.must(id);
    if (record.state === 'stopped' || record.state === 'stopping') return this.get(id);
    this.mustAllow('stop', record);
    this.end(record, { state: 'stopping' }, timeoutMs);
    return this.get(id);
  }

  /** Kept until its time is over; it is stopped first. Trashing what is trashed is success. */
  trash(id: string): Container {
    const record = this.must(id);
    if (record.trashedUntil) return this.get(id);
    this.mustAllow('trash', record);
    const trashedUntil = new Date(this.needs.clock.now().getTime() + this.needs.trashSeconds * 1_000);
    if (record.state === 'stopped') this.change(record, { state: 'trashed', trashedUntil });
    else this.end(record, { state: 'stopping', trashedUntil }, stopTimeoutMs);
    return this.get(id);
  }

  /** Restoring what is not in the trash any more is success. */
  restore(id: string): Container {
    const record = this.must(id);
    if (record.state === 'stopped') return this.get(id);
    this.mustAllow('restore', record);
    this.change(record, { state: 'stopped', trashedUntil: null });
    return this.get(id);
  }

  /** For good. Already gone is success. */
  destroy(id: string): void {
    const record = this.needs.records.get(mustBeId(id));
    if (!record || record.state === 'destroying') return;
    this.mustAllow('destroy', record);
    this.settle(this.change(record, { state: 'destroying' }), 'destroying', () => this.remove(record));
  }

  /** @throws Problem `not_found`, `conflict` unless it runs. */
  exec(id: string, argv: readonly string[]): () => ExecSession {
    this.mustAllow('exec', this.must(id));
    return () => {
      const record = this.must(id);
      this.mustAllow('exec', record);
      return this.needs.host.runtime.exec(record.slot, argv);
    };
  }

  get(id: string): Container {
    return shown(this.must(id), this.needs.host.net.appsHost);
  }

  list(): Container[] {
    return [...this.needs.records.all()].map((record) => shown(record, this.needs.host.net.appsHost));
  }

  /** How many stand on a snapshot, the trash included. */
  on(snapshot: string): number {
    return [...this.needs.records.all()].filter((record) => record.snapshot === snapshot).length;
  }

  /** A life that ended by itself or by another hand: poweroff inside, init killed. */
  ended(slot: Slot): void {
    const record = this.needs.records.at(slot);
    if (record?.state !== 'running' && record?.state !== 'frozen') return; // whoever stops it cleans up
    this.end(record, { state: 'stopping' }, 0);
  }

  /** Destroys what has been in the trash for its time. */
  expire(): void {
    const now = this.needs.clock.now();
    for (const { id, state, trashedUntil } of this.needs.records.all()) {
      if (state === 'trashed' && trashedUntil && trashedUntil <= now) this.destroy(id);
    }
  }

  /** The records' word becomes the host's: what runs is adopted, what was in transit when the last daemon ended is settled. */
  async recover(): Promise<void> {
    const lives = new Map((await this.needs.host.runtime.running()).map((life) => [life.slot, life]));
    for (const record of [...this.needs.records.all()]) {
      const life = lives.get(record.slot);
      lives.delete(record.slot);
      if (life && (record.state === 'running' || record.state === 'frozen' || record.state === 'starting')) {
        this.change(record, { state: life.frozen ? 'frozen' : 'running', startedAt: life.startedAt });
      } else if (record.state === 'creating') {
        this.change(record, { state: 'failed', reason: 'interrupted: con ended while it was created' });
      } else if (record.state === 'destroying') {
        this.settle(record, 'destroying', () => this.remove(record));
      } else if (life || !['stopped', 'trashed', 'failed'].includes(record.state)) {
        this.end(record, { state: 'stopping' }, stopTimeoutMs);
      }
    }
    for (const slot of lives.keys()) this.needs.tell(`container ${slot} runs and is in no record: it is left alone`);
    await this.syncNet();
    await this.strangers();
  }

  /** Waits for what is at work. */
  idle(): Promise<void> {
    return this.locks.idle();
  }

  private end(record: ContainerRecord, change: Change, timeoutMs: number): void {
    const wasOn = record.state === 'running' || record.state === 'frozen';
    const after = this.change(record, change);
    const leaving = async (): Promise<void> => {
      if (wasOn) await Promise.all(this.witnesses.map((witness) => witness.leaving(after)));
    };
    const work = async (): Promise<Change> => {
      await this.life.end(after, timeoutMs, leaving);
      return { state: after.trashedUntil ? 'trashed' : 'stopped', startedAt: null };
    };
    this.settle(after, 'stopping', work, deadlines.stopping + timeoutMs);
  }

  private async remove(record: ContainerRecord): Promise<undefined> {
    await this.life.remove(record);
    const now = this.needs.clock.now();
    this.witnesses.forEach((witness) => witness.gone(record));
    this.needs.records.gone(record.id, now);
    this.needs.numbers.release(record.slot, now);
    return undefined;
  }

  /**
   * Does the work of a state in transit, after whatever was begun earlier on this container; then sets what it answers,
   * unless somebody has asked for another state meanwhile. Never rejects: a failure is a state, with its reason.
   */
  private settle(
    { id, state }: ContainerRecord,
    transit: keyof typeof deadlines,
    work: () => Promise<Change | undefined>,
    timeoutMs: number = deadlines[transit],
  ): void {
    const done = this.locks.run(id, async () => {
      if (this.needs.records.get(id)?.state !== state) {
        // Asked for something else before this was begun: a stop that overtook a start still has to end it.
        if (transit === 'starting') return;
      }
      const change = await within(timeoutMs, `finish ${transit} ${id}`, work()).catch((error: unknown): Change =>
        this.failed(id, error),
      );
      const now = this.needs.records.get(id);
      if (now && change && now.state === state) this.change(now, change);
    });
    done.catch((error: unknown) => this.needs.tell(`cannot put on record how ${transit} ${id} ended`, error));
  }

  private failed(id: string, error: unknown): Change {
    const problem = asProblem(error);
    if (problem.code === 'internal') this.needs.tell(`container ${id} failed`, error);
    return { state: 'failed', reason: problem.message };
  }

  private change(record: ContainerRecord, change: Change): ContainerRecord {
    const before = this.needs.records.get(record.id) ?? record;
    const after = this.needs.records.change(record.id, change, this.needs.clock.now());
    this.witnesses.forEach((witness) => witness.changed(before, after));
    return after;
  }

  private recorded(
    order: ParamsOf<'containers.create'>,
    made: Pick<ContainerRecord, 'id' | 'name' | 'owner' | 'limits'> & { template: ReturnType<TemplateSource['ready']> },
  ): ContainerRecord {
    const { numbers, clock } = this.needs;
    const now = clock.now();
    const slot = numbers.takeSlot(now);
    const { template, ...rest } = made;
    return {
      ...rest,
      slot,
      range: numbers.rangeOf(made.owner),
      template: { name: template.name, version: template.version },
      snapshot: template.snapshot,
      address: numbers.addressOf(slot),
      forwards: template.ports.map((port) => ({ protocol: 'tcp', hostPort: numbers.takePort(slot, now), port })),
      tariffTag: order.tariffTag ?? '',
      secret: randomBytes(32).toString('hex'),
      environment: template.environment,
      state: 'creating',
      since: now,
      createdAt: now,
      boot: 0,
    };
  }

  /** The table as the records say, whatever a crash or a foreign hand left there. */
  private async syncNet(): Promise<void> {
    const on = [...this.needs.records.all()].filter(
      ({ state }) => state === 'running' || state === 'frozen' || state === 'stopping',
    );
    await this.needs.host.net.sync({
      addresses: on.map(({ slot, address }) => ({ slot, address })),
      forwards: on.flatMap(forwardings),
    });
  }

  /** Nothing is destroyed because a record is absent: a volume without one is told of, and left alone. */
  private async strangers(): Promise<void> {
    for (const slot of await this.needs.host.layers.volumes()) {
      if (!this.needs.records.at(slot)) this.needs.tell(`volume ${slot} on disk is in no record: it is left alone`);
    }
  }

  private must(id: string): ContainerRecord {
    const record = this.needs.records.get(mustBeId(id));
    if (!record) throw new Problem('not_found', `cannot find the container ${id}`);
    return record;
  }

  private mustAllow(action: Action, { name, state }: ContainerRecord): void {
    if (!can(action, state).allowed) throw new Problem('conflict', `cannot ${action} ${name}: it is ${inWords(state)}`);
  }
}

function inWords(state: State): string {
  return state === 'creating' ? 'still being created' : state;
}
