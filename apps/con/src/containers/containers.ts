import { can, mustBeId, mustBeLimits, mustBeName, type Action, type State, type WantedLimits } from '@berth/container';
import type { Container, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host, Warning } from '../host/host.js';
import type { ExecSession, Slot } from '../host/runtime.js';
import type { HostNames } from '../network/host-names.js';
import type { Numbers } from '../network/numbers.js';
import type { TemplateSource } from '../templates/ready.js';
import { Turns } from '../templates/turns.js';
import type { Clock } from './clock.js';
import { Admission } from './admission.js';
import type { Desk } from './desk.js';
import { doingInWords, inWords, wasOn, type Change, type ContainerRecord } from './record.js';
import { Disks } from './disks.js';
import { Doctor } from './doctor.js';
import { expired, isOrdinary } from './expiry.js';
import type { Records } from './records.js';
import { Life } from './life.js';
import { Logs } from './logs.js';
import { Rebuild } from './rebuild.js';
import { relimit, strangers, syncNet, unmountLeft } from './recovery.js';
import { Wiring } from './wiring.js';
import { deadlines, Settling } from './settling.js';
import type { SnapshotRecords } from './snapshot-records.js';
import { Snapshots } from './snapshots.js';
import { shown } from './view.js';

export type ContainersNeeds = Readonly<{
  records: Records;
  snapshots: SnapshotRecords;
  numbers: Numbers;
  hostNames: HostNames;
  host: Pick<Host, 'runtime' | 'layers' | 'net' | 'front'>;
  templates: TemplateSource;
  clock: Clock;
  trashSeconds: number;
  /** Ports of the host that nobody may choose. */
  reservedPorts: readonly number[];
  /** The host was restarted since the last daemon: what ran then is started again. */
  isNewBoot: boolean;
  strangeLayers: () => Promise<readonly number[]>;
  instance: string;
  /** Told what failed in the background, with its cause. */
  tell: (message: string, error?: unknown) => void;
}>;

/** Who must know of what happens to a container while it happens: the meter. */
export type Witness = Readonly<{
  /** Called at the moment of every transition with the record as it is now, within the same commit. */
  changed(after: ContainerRecord): void;
  /** Before its network and its processes' counters go. */
  leaving(record: ContainerRecord): Promise<void>;
  /** What its disk holds has changed. */
  weighed(record: ContainerRecord): Promise<void>;
  /** The commit that it was last told of did not happen. */
  failed(): void;
  /** It is destroyed. */
  gone(record: ContainerRecord): void;
}>;

const stopTimeoutMs = 10_000;
/** More at once only wait for each other's processors and disk. */
const startsAtOnce = 4;

/** Every transition of every container, one at a time for each. Answers at once; the state tells how it ended. */
export class Containers {
  readonly wiring: Wiring;
  readonly snapshots: Snapshots;
  readonly admission: Admission;
  readonly rebuild: Rebuild;
  readonly doctor: Doctor;
  readonly logs: Logs;
  readonly disks: Disks;
  private readonly settling: Settling;
  private readonly witnesses: Witness[] = [];
  private readonly life: Life;
  /** Whose life was told to have ended while it was still called starting. */
  private readonly endedEarly = new Set<Slot>();
  private readonly comingBack = new Turns(startsAtOnce);

  constructor(private readonly needs: ContainersNeeds) {
    this.life = new Life(needs);
    this.settling = new Settling({ ...needs, change: (record, change) => this.change(record, change) });
    const desk = this.desk();
    const begun = (record: ContainerRecord): void => this.witnesses.forEach((witness) => witness.changed(record));
    this.rebuild = new Rebuild({ ...needs, ...desk, begun });
    this.doctor = new Doctor({ ...needs, ...desk });
    this.logs = new Logs({ ...needs, ...desk });
    this.disks = new Disks({ ...needs, ...desk });
    this.wiring = new Wiring({ ...needs, ...desk });
    this.admission = new Admission({
      ...needs,
      ...desk,
      exposed: (...words) => this.wiring.forwards.exposed(...words),
      begun,
      kept: (...words) => this.snapshots.mustBeKept(...words),
      life: this.life,
    });
    this.snapshots = new Snapshots({
      ...needs,
      ...desk,
      end: (record) => this.life.end(record, 0, () => Promise.resolve()),
    });
  }

  private desk(): Desk {
    return {
      must: (id) => this.must(id),
      mustAllow: (action, record) => this.mustAllow(action, record),
      isAllowed: (action, { state }) => can(action, state).allowed,
      moment: (...words) => this.settling.moment(...words),
      copy: (...words) => this.settling.copy(...words),
      during: (id, work) => this.settling.during(id, work),
      weigh: (record) => this.weigh(record),
      settle: (...words) => this.settling.settle(...words),
      change: (record, change) => this.change(record, change),
      together: (work) => this.together(work),
      shown: (id) => this.get(id),
    };
  }

  witnessedBy(witness: Witness): void {
    this.witnesses.push(witness);
  }

  /** See `Admission.create`. */
  create(order: ParamsOf<'containers.create'>): Container {
    return this.admission.create(order);
  }

  /** See `Admission.duplicate`. */
  duplicate(order: ParamsOf<'containers.duplicate'>): Container {
    return this.admission.duplicate(order);
  }

  /** Starting what starts or runs already is success. */
  start(id: string): Container {
    const record = this.must(id);
    if (record.state === 'running' || record.state === 'starting') return this.get(id);
    this.mustAllow('start', record);
    if (record.copyOf !== undefined)
      throw new Problem('conflict', `cannot start ${record.name}: it never became a whole copy; destroy it`);
    void this.begin(record);
    return this.get(id);
  }

  /** Stopping, then starting. Restarting what is being restarted is success. */
  restart(id: string, timeoutMs = stopTimeoutMs): Container {
    const record = this.must(id);
    if (record.state === 'stopping' && record.again) return this.get(id);
    this.mustAllow('restart', record);
    this.end(record, { state: 'stopping', again: true }, timeoutMs);
    return this.get(id);
  }

  /** @throws Problem `conflict`, `unavailable` where the kernel does not do it in time. */
  freeze(id: string): Promise<Container> {
    return this.atOnce(id, 'freeze', 'frozen', (slot) => this.needs.host.runtime.freeze(slot));
  }

  thaw(id: string): Promise<Container> {
    return this.atOnce(id, 'thaw', 'running', (slot) => this.needs.host.runtime.thaw(slot));
  }

  /** Its host name follows at its next start. @throws Problem `invalid` for a name that is none or taken. */
  rename(id: string, wanted: string): Container {
    const record = this.must(id);
    const name = mustBeName(wanted);
    if (record.name === name) return this.get(id);
    this.mustAllow('rename', record);
    this.admission.mustBeFree(record.owner, name, 'rename');
    this.change(record, { name });
    return this.get(id);
  }

  /** At once where it runs, else from its next start on. @throws Problem `invalid`; `conflict` where it uses more. */
  async limit(id: string, wanted: WantedLimits): Promise<Container> {
    const limits = mustBeLimits(wanted, this.must(id).limits);
    this.mustAllow('limit', this.must(id));
    await this.settling.moment(`limit ${id}`, id, async () => {
      const record = this.must(id);
      this.mustAllow('limit', record);
      await this.life.limit(record, limits);
      this.change(this.must(id), { limits });
    });
    return this.get(id);
  }

  /** Stopping what stops or is off already is success. */
  stop(id: string, timeoutMs = stopTimeoutMs): Container {
    const record = this.must(id);
    if (record.again) this.change(record, { again: null });
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
    if (record.state === 'stopped') this.change(record, { state: 'trashed', trashedUntil, again: null });
    else this.end(record, { state: 'stopping', trashedUntil, again: null }, stopTimeoutMs);
    return this.get(id);
  }

  /** Restoring what is not in the trash any more is success. */
  restore(id: string): Container {
    const record = this.must(id);
    if (record.state === 'stopped') return this.get(id);
    if (record.state === 'stopping' && record.trashedUntil) {
      this.change(record, { trashedUntil: null }); // on its way to the trash: it ends stopped instead
      return this.get(id);
    }
    this.mustAllow('restore', record);
    this.change(record, { state: 'stopped', trashedUntil: null });
    return this.get(id);
  }

  /** For good. Already gone is success. */
  destroy(id: string): void {
    const record = this.needs.records.get(mustBeId(id));
    if (!record || record.state === 'destroying') return;
    this.mustAllow('destroy', record);
    void this.settling.settle(this.change(record, { state: 'destroying', trashedUntil: null }), () =>
      this.remove(record),
    );
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
    return shown(this.must(id), this.needs.host);
  }

  list(): Container[] {
    return [...this.needs.records.all()].map((record) => shown(record, this.needs.host));
  }

  /** Names of those that stand on a snapshot, the trash included. */
  on(snapshot: string): string[] {
    return [...this.needs.records.all()].filter((record) => record.snapshot === snapshot).map(({ name }) => name);
  }

  /** A life that ended by itself or by another hand: poweroff inside, init killed. */
  ended(slot: Slot): void {
    const record = this.needs.records.at(slot);
    if (record?.state === 'starting') this.endedEarly.add(slot); // whoever starts it looks, once it is said to run
    if (record?.state !== 'running' && record?.state !== 'frozen') return; // whoever stops it cleans up
    this.end(record, { state: 'stopping' }, 0);
  }

  /** Destroys what has been in the trash for its time; unusually many only where that is said. */
  expire(now: Date, { all = false } = {}): { destroyed: number; kept: number } {
    const due = expired(this.needs.records, now);
    if (!all && !isOrdinary(due.length, this.needs.records.size)) return { destroyed: 0, kept: due.length };
    for (const { id } of due) this.destroy(id);
    return { destroyed: due.length, kept: 0 };
  }

  /**
   * The records' word becomes the host's: what runs is adopted, what was in transit when the last daemon ended is
   * settled. Answers what it found and left alone.
   */
  async recover(): Promise<readonly Warning[]> {
    const lives = new Map((await this.needs.host.runtime.running()).map((life) => [life.slot, life]));
    const known = [...this.needs.records.all()];
    for (const record of known) {
      const life = lives.get(record.slot);
      if (!life || !wasOn(record)) continue;
      // Frozen for a moment, by a daemon that ended within it: the record's word counts.
      if (life.frozen && record.state !== 'frozen') await this.needs.host.runtime.thaw(record.slot);
      const isFrozen = life.frozen && record.state === 'frozen';
      this.change(record, { state: isFrozen ? 'frozen' : 'running', startedAt: life.startedAt });
      await relimit(this.needs, record);
    }
    await this.wiring.faces
      .show()
      .catch((error: unknown) => this.needs.tell('cannot show the names of containers', error));
    await syncNet(this.needs, lives); // before anything is ended: what has ended must not be let in again
    await unmountLeft(this.needs, lives);
    for (const record of known) this.settleAfresh(record, lives.has(record.slot));
    await this.snapshots.recover();
    for (const { slot } of known) lives.delete(slot);
    return strangers(this.needs, [...lives.keys()]);
  }

  /** What was in transit when the last daemon ended, or has ended since. */
  private settleAfresh(record: ContainerRecord, isAlive: boolean): void {
    if (isAlive && wasOn(record)) return;
    if (record.state === 'creating') {
      this.change(record, { state: 'failed', reason: 'interrupted: con ended while it was created' });
    } else if (record.state === 'restoring') {
      this.snapshots.bringBack(record);
    } else if (record.state === 'destroying') {
      void this.settling.settle(record, () => this.remove(record));
    } else if (isAlive || !['stopped', 'trashed', 'failed'].includes(record.state)) {
      const again = wasOn(record) && this.needs.isNewBoot ? { again: true as const } : {};
      this.end(record, { state: 'stopping', ...again }, stopTimeoutMs);
    } else if (record.again) this.comeBack(record.id);
  }

  close(): Promise<void> {
    return this.settling.close();
  }

  /** Waits for what is at work. */
  idle(): Promise<void> {
    return this.settling.idle();
  }

  private begin(record: ContainerRecord): Promise<void> {
    const anew = { reason: null, trashedUntil: null, startedAt: null, again: null, restoring: null };
    const after = this.change(record, { state: 'starting', boot: record.boot + 1, ...anew });
    const begun = this.settling.settle(after, async (isLate) => {
      // A stop that was asked for before this was begun finds nothing to end.
      if (this.needs.records.get(record.id)?.state !== 'starting') return undefined;
      this.endedEarly.delete(record.slot);
      return this.life.begin(after, isLate);
    });
    return begun.then(() => {
      if (this.endedEarly.delete(record.slot)) this.ended(record.slot);
    });
  }

  /** Starts what was stopped in order to be, a few at a time, unless somebody has decided otherwise meanwhile. */
  private comeBack(id: string): void {
    void this.settling.track(
      this.comingBack.during(async () => {
        const record = this.needs.records.get(id);
        if (record?.again && record.state === 'stopped') await this.begin(record);
      }),
      `cannot start ${id} again`,
    );
  }

  /** What is over within moments, and what its caller waits for: on record first, and taken back where it fails. */
  private async atOnce(
    id: string,
    action: Action,
    state: State,
    act: (slot: Slot) => Promise<void>,
  ): Promise<Container> {
    if (this.must(id).state === state) return this.get(id);
    this.mustAllow(action, this.must(id));
    await this.settling.moment(`${action} ${id}`, id, async () => {
      const record = this.must(id);
      if (record.state === state) return;
      this.mustAllow(action, record);
      this.change(record, { state });
      await act(record.slot).catch((error: unknown) => {
        const now = this.needs.records.get(id);
        if (now?.state === state) this.change(now, { state: record.state });
        throw error;
      });
    });
    return this.get(id);
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
      const isTrash = this.needs.records.get(after.id)?.trashedUntil !== undefined;
      return { state: isTrash ? 'trashed' : 'stopped', startedAt: null };
    };
    void this.settling.settle(after, work, deadlines.stopping + timeoutMs).then(() => {
      const { again, state } = this.needs.records.get(record.id) ?? {};
      if (again && state === 'stopped') this.comeBack(record.id);
    });
  }

  private async remove(record: ContainerRecord): Promise<undefined> {
    await this.life.remove(record);
    const now = this.needs.clock.now();
    this.together(() => {
      this.witnesses.forEach((witness) => witness.gone(record));
      this.needs.numbers.release(record.slot, now);
      this.wiring.faces.release(record);
      this.needs.snapshots.goneWith(record.id, now);
      this.needs.records.gone(record.id, now);
    });
    void this.settling.track(this.wiring.faces.gone(record), `cannot take away the names of ${record.id}`);
    return undefined;
  }

  private async weigh(record: ContainerRecord): Promise<void> {
    for (const witness of this.witnesses) await witness.weighed(record);
  }

  private change(record: ContainerRecord, change: Change): ContainerRecord {
    return this.together(() => {
      const after = this.needs.records.change(record.id, change, this.needs.clock.now());
      this.witnesses.forEach((witness) => witness.changed(after));
      return after;
    });
  }

  /** One commit; where it fails, records and witnesses are as before. */
  private together<T>(work: () => T): T {
    try {
      return this.needs.records.together(work);
    } catch (error) {
      this.witnesses.forEach((witness) => witness.failed());
      throw error;
    }
  }

  private must(id: string): ContainerRecord {
    const record = this.needs.records.get(mustBeId(id));
    if (!record) throw new Problem('not_found', `cannot find the container ${id}`);
    return record;
  }

  private mustAllow(action: Action, { name, state }: ContainerRecord): void {
    if (can(action, state).allowed) return;
    throw new Problem('conflict', `cannot ${doingInWords(action)} ${name}: it is ${inWords(state)}`);
  }
}
