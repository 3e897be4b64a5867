import { mustBeId, mustBeName } from '@berth/container';
import type { Container, ContainerSnapshot, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Clock } from './clock.js';
import type { Desk } from './desk.js';
import type { Change, ContainerRecord } from './record.js';
import type { SnapshotRecord, SnapshotRecords } from './snapshot-records.js';
import { stillOf } from './still.js';

/** Each holds disk, and a caller that runs wild makes one after another. */
const mostSnapshots = 64;

export type SnapshotsNeeds = Readonly<{
  snapshots: SnapshotRecords;
  host: Pick<Host, 'layers' | 'runtime'>;
  clock: Clock;
  tell: (message: string, error?: unknown) => void;
  /** Ends what a container that failed may have left, so that its volume can be exchanged. */
  end: (record: ContainerRecord) => Promise<void>;
}> &
  Desk;

/** Kept states of containers: on record first, then on the disk. They answer at once; their state tells how it ended. */
export class Snapshots {
  constructor(private readonly needs: SnapshotsNeeds) {}

  /** @throws Problem `conflict` for an id that was used or by what its state allows, `too_many`, `invalid`. */
  snapshot(order: ParamsOf<'containers.snapshot'>): ContainerSnapshot {
    const { must, mustAllow, snapshots, clock } = this.needs;
    const record = must(order.id);
    const id = mustBeId(order.snapshot);
    const known = snapshots.find(record.id, id);
    const asked = JSON.stringify([order.name ?? null, order.expiresAt ?? null]);
    if (known === 'gone')
      throw new Problem('conflict', `cannot keep the snapshot ${id}: that id was used before; choose another`);
    if (known && known.asked !== asked)
      throw new Problem('conflict', `cannot keep the snapshot ${id}: it exists with other values`);
    if (known) return shown(known);
    mustAllow('snapshot', record);
    if (snapshots.list(record.id).length >= mostSnapshots) {
      const said = `cannot keep one more snapshot of ${record.name}: it has ${mostSnapshots}; remove one first`;
      throw new Problem('too_many', said);
    }
    const created = snapshots.add({
      container: record.id,
      id,
      asked,
      createdAt: clock.now(),
      ...(order.name === undefined ? {} : { name: mustBeName(order.name, 'snapshot') }),
      ...(order.expiresAt === undefined ? {} : { expiresAt: new Date(order.expiresAt) }),
    });
    void this.keep(record, created);
    return shown(created);
  }

  /** Whether it was asked for before, and needs no room any more. */
  isKnown({ id, snapshot }: Pick<ParamsOf<'containers.snapshot'>, 'id' | 'snapshot'>): boolean {
    return this.needs.snapshots.find(id, snapshot) !== undefined;
  }

  list(id: string): ContainerSnapshot[] {
    return this.needs.snapshots.list(this.needs.must(id).id).map(shown);
  }

  /** Restoring what is being restored is success. @throws Problem `not_found`, `conflict` unless it is off. */
  restore({ id, snapshot }: ParamsOf<'containers.restoreSnapshot'>): Container {
    const record = this.needs.must(id);
    const kept = this.mustBeKept(record, snapshot);
    if (record.state === 'restoring' && record.restoring === kept.moment) return this.needs.shown(id);
    this.needs.mustAllow('restoreSnapshot', record);
    this.bringBack(this.needs.change(record, { state: 'restoring', reason: null, restoring: kept.moment }));
    return this.needs.shown(id);
  }

  /** Already gone is success. */
  remove({ id, snapshot }: ParamsOf<'containers.removeSnapshot'>): void {
    const record = this.needs.must(id);
    const known = this.needs.snapshots.find(record.id, mustBeId(snapshot));
    if (!known || known === 'gone' || known.state === 'removing') return;
    this.needs.mustAllow('removeSnapshot', record);
    this.discard(record, known);
  }

  /** Removes those whose time is over, once their container is in a state that allows it. */
  expire(now: Date): void {
    for (const due of this.needs.snapshots.due(now)) {
      if (due.state !== 'kept' && due.state !== 'failed') continue;
      const record = this.needs.must(due.container);
      if (this.needs.isAllowed('removeSnapshot', record)) this.discard(record, due);
    }
  }

  /** What a daemon before had begun: what is on the disk whole is kept, what is not has failed, what was to go goes. */
  async recover(): Promise<void> {
    const { snapshots, host, must } = this.needs;
    const unsettled = snapshots.list().filter(({ state }) => state === 'keeping' || state === 'removing');
    const there = new Set((await host.layers.moments()).map(({ moment }) => moment));
    snapshots.keepFrom([...there]);
    for (const one of unsettled) {
      const record = must(one.container);
      if (one.state === 'removing') this.discard(record, one);
      else if (there.has(one.moment)) void this.keep(record, one);
      else snapshots.change(one.moment, { state: 'failed', reason: 'interrupted: con ended while it was being kept' });
    }
  }

  /** Begins, or after a restart of con goes on with, what a container's record says it is doing. */
  bringBack(record: ContainerRecord): void {
    void this.needs.settle(record, async (): Promise<Change> => {
      if (record.restoring === undefined) throw new Error(`cannot tell what ${record.id} was to be restored from`);
      await this.needs.end(record);
      await this.needs.host.layers.restoreMoment(record.slot, record.restoring);
      await this.needs.weigh(record);
      return { state: 'stopped', startedAt: null, restoring: null };
    });
  }

  private keep(record: ContainerRecord, { moment, id }: SnapshotRecord): Promise<void> {
    const { host, snapshots, tell, weigh } = this.needs;
    return this.needs.copy(
      `keep the snapshot ${id} of ${record.name}`,
      record.id,
      async () => {
        const { bytes } = await host.layers.keepMoment(record.slot, moment, stillOf(host.runtime, record.slot, tell));
        return () => snapshots.change(moment, { state: 'kept', sizeBytes: bytes });
      },
      (reason) => snapshots.change(moment, { state: 'failed', reason }),
      () => weigh(record),
    );
  }

  private discard(record: ContainerRecord, { moment, id }: SnapshotRecord): void {
    const { host, snapshots, clock, weigh } = this.needs;
    snapshots.change(moment, { state: 'removing' });
    void this.needs.copy(
      `remove the snapshot ${id} of ${record.name}`,
      record.id,
      async () => {
        await host.layers.removeMoment(record.slot, moment);
        return () => snapshots.gone(moment, clock.now());
      },
      (reason) => snapshots.change(moment, { state: 'failed', reason }),
      () => weigh(record),
    );
  }

  /** One that can be read. @throws Problem `not_found`, `conflict` */
  mustBeKept({ id: container, name }: ContainerRecord, snapshot: string): SnapshotRecord {
    const known = this.needs.snapshots.find(container, mustBeId(snapshot));
    if (!known || known === 'gone' || known.state === 'removing')
      throw new Problem('not_found', `cannot find the snapshot ${snapshot} of ${name}`);
    if (known.state === 'kept') return known;
    const why = known.state === 'keeping' ? 'it is still being kept' : `it has failed: ${known.reason ?? 'no reason'}`;
    throw new Problem('conflict', `cannot use the snapshot ${snapshot} of ${name}: ${why}`);
  }
}

function shown({ id, name, state, createdAt, expiresAt, sizeBytes, reason }: SnapshotRecord): ContainerSnapshot {
  return {
    id,
    state,
    createdAt: createdAt.toISOString(),
    ...(name === undefined ? {} : { name }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(reason === undefined ? {} : { reason }),
  };
}
