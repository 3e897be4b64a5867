import { randomBytes } from 'node:crypto';
import { can, defaultLimits, mustBeId, mustBeLimits, mustBeName, type Action, type State } from '@berth/container';
import type { Container, ParamsOf } from '@berth/con-protocol';
import { asProblem, Problem } from '@berth/problem';
import type { Host, Warning } from '../host/host.js';
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
  /** Called at the moment of every transition with the record as it is now, within the same commit. */
  changed(after: ContainerRecord): void;
  /** Before its network and its processes' counters go. */
  leaving(record: ContainerRecord): Promise<void>;
  /** It is destroyed. */
  gone(record: ContainerRecord): void;
}>;

/** No state in transit lasts longer than this. */
const deadlines = { creating: 60_000, starting: 60_000, stopping: 60_000, destroying: 300_000 } as const;
const stopTimeoutMs = 10_000;

type Transit = keyof typeof deadlines;
/** `isLate` tells it that its deadline has passed: nobody waits for what it does. */
type Work = (isLate: () => boolean) => Promise<Change | undefined>;

/** Every transition of every container, one at a time for each. Answers at once; the state tells how it ended. */
export class Containers {
  private readonly locks = new KeyedLock();
  private readonly settling = new Set<Promise<void>>();
  private readonly witnesses: Witness[] = [];
  private readonly life: Life;

  constructor(private readonly needs: ContainersNeeds) {
    this.life = new Life(needs);
  }

  witnessedBy(witness: Witness): void {
    this.witnesses.push(witness);
  }

  /** @throws Problem `invalid` for a name that is none or taken, `conflict` for a taken id, `not_found` for the template. */
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
      throw new Problem('invalid', `cannot create ${name}: ${owner} has a container of that name; names are unique`);
    const template = templates.ready(order.template.name, order.template.version);
    const record = records.together(() => {
      const made = this.recorded(order, { id, name, owner, limits, template });
      records.add(made, asked);
      this.witnesses.forEach((witness) => witness.changed(made));
      return made;
    });
    this.settle(record, () => this.life.make(record));
    return this.get(id);
  }

  /** Starting what starts or runs already is success. */
  start(id: string): Container {
    const record = this.must(id);
    if (record.state === 'running' || record.state === 'starting') return this.get(id);
    this.mustAllow('start', record);
    const anew = { reason: null, trashedUntil: null, startedAt: null };
    const after = this.change(record, { state: 'starting', boot: record.boot + 1, ...anew });
    this.settle(after, async (isLate) => {
      // A stop that was asked for before this was begun finds nothing to end.
      if (this.needs.records.get(id)?.state === 'starting') return this.life.begin(after, isLate);
      return undefined;
    });
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
    if (record.trashedUntil && record.state !== 'failed') return this.get(id);
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
    this.settle(this.change(record, { state: 'destroying', trashedUntil: null }), () => this.remove(record));
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

  /**
   * The records' word becomes the host's: what runs is adopted, what was in transit when the last daemon ended is
   * settled. Answers what it found and left alone.
   */
  async recover(): Promise<readonly Warning[]> {
    const lives = new Map((await this.needs.host.runtime.running()).map((life) => [life.slot, life]));
    for (const record of [...this.needs.records.all()]) {
      const life = lives.get(record.slot);
      lives.delete(record.slot);
      if (life && (record.state === 'running' || record.state === 'frozen' || record.state === 'starting')) {
        this.change(record, { state: life.frozen ? 'frozen' : 'running', startedAt: life.startedAt });
      } else if (record.state === 'creating') {
        this.change(record, { state: 'failed', reason: 'interrupted: con ended while it was created' });
      } else if (record.state === 'destroying') {
        this.settle(record, () => this.remove(record));
      } else if (life || !['stopped', 'trashed', 'failed'].includes(record.state)) {
        this.end(record, { state: 'stopping' }, stopTimeoutMs);
      }
    }
    await this.syncNet();
    return this.strangers([...lives.keys()]);
  }

  /** Waits for what is at work. */
  async idle(): Promise<void> {
    while (this.settling.size > 0) await Promise.allSettled(this.settling);
    await this.locks.idle();
  }

  private end(record: ContainerRecord, change: Change, timeoutMs: number): void {
    const wasOn = record.state === 'running' || record.state === 'frozen';
    const after = this.change(record, change);
    const leaving = async (): Promise<void> => {
      if (!wasOn) return;
      for (const witness of this.witnesses) {
        await witness
          .leaving(after)
          .catch((error: unknown) => this.needs.tell(`cannot measure the end of ${after.id}`, error));
      }
    };
    const work = async (): Promise<Change> => {
      await this.life.end(after, timeoutMs, leaving);
      return { state: after.trashedUntil ? 'trashed' : 'stopped', startedAt: null };
    };
    this.settle(after, work, deadlines.stopping + timeoutMs);
  }

  private async remove(record: ContainerRecord): Promise<undefined> {
    await this.life.remove(record);
    const now = this.needs.clock.now();
    this.needs.records.together(() => {
      this.witnesses.forEach((witness) => witness.gone(record));
      this.needs.numbers.release(record.slot, now);
      this.needs.records.gone(record.id, now);
    });
    return undefined;
  }

  /**
   * Does the work of a state in transit, after whatever was begun earlier on this container; then sets what it answers,
   * unless somebody has asked for another state meanwhile. The deadline counts from the asking; what is late keeps the
   * lock until it has really ended. Never rejects: a failure is a state, with its reason.
   */
  private settle({ id, state }: ContainerRecord, work: Work, timeoutMs: number = deadlines[state as Transit]): void {
    let late = false;
    const done = this.locks.run(id, () => work(() => late));
    const ended = within(timeoutMs, `finish ${state} ${id}`, done).catch((error: unknown): Change => {
      late = true;
      return this.failed(id, error);
    });
    const recorded = ended.then((change) => {
      const now = this.needs.records.get(id);
      if (now && change && now.state === state) this.change(now, change);
    });
    this.settling.add(recorded);
    recorded
      .catch((error: unknown) => this.needs.tell(`cannot put on record how ${state} ${id} ended`, error))
      .finally(() => this.settling.delete(recorded));
  }

  private failed(id: string, error: unknown): Change {
    const problem = asProblem(error);
    if (problem.code === 'internal') this.needs.tell(`container ${id} failed`, error);
    return { state: 'failed', reason: problem.message };
  }

  private change(record: ContainerRecord, change: Change): ContainerRecord {
    return this.needs.records.together(() => {
      const after = this.needs.records.change(record.id, change, this.needs.clock.now());
      this.witnesses.forEach((witness) => witness.changed(after));
      return after;
    });
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

  /**
   * Nothing is destroyed because a record is absent: what has none is told of and left alone, and its number is never
   * given to anybody, because a new container would find a stranger's data there.
   */
  private async strangers(running: readonly Slot[]): Promise<readonly Warning[]> {
    const volumes = await this.needs.host.layers.volumes();
    const unknown = new Set([...running, ...volumes].filter((slot) => !this.needs.records.at(slot)));
    return [...unknown].map((slot) => {
      this.needs.numbers.keepFrom(slot);
      const what = `container ${slot} of this host is in no record of con`;
      this.needs.tell(`${what}: it is left alone`);
      return { what, cure: `bring the records back from a backup, or remove its volume ${slot} by hand` };
    });
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
