import { isInTransit, isOn } from '@berth/container';
import { asProblem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Moment } from '../host/layers.js';
import type { Slot } from '../host/runtime.js';
import { readCarried } from './carried.js';
import type { Desk } from './desk.js';
import { isOrdinary } from './expiry.js';
import type { ContainerRecord } from './record.js';
import type { Records } from './records.js';
import { syncNet } from './recovery.js';
import type { SnapshotRecords } from './snapshot-records.js';

export type DoctorNeeds = Readonly<{
  records: Records;
  snapshots: SnapshotRecords;
  host: Pick<Host, 'runtime' | 'layers' | 'net'>;
  /** Layers on the disk that no template knows of. */
  strangeLayers: () => Promise<readonly number[]>;
  instance: string;
}> &
  Desk;

export type Kind = 'volume' | 'moment' | 'snapshot' | 'container' | 'life' | 'remains' | 'mount' | 'address' | 'layer';

/** Something that the host and the records tell differently. */
type Difference = Readonly<{
  kind: Kind;
  what: string;
  /** What somebody can do about it, where con does not. */
  cure: string;
  /** What brings both together again. Data is removed by it where `destroys`: only what bears this con's label. */
  mend?: () => Promise<void>;
  destroys?: true;
}>;

export type Finding = Readonly<{ kind: Kind; what: string; cure: string; mended: boolean; failed?: string }>;

export type Diagnosis = Readonly<{
  findings: readonly Finding[];
  /** So many would have been destroyed, which nobody has said yes to: none was. */
  held: number;
}>;

/** Compares what is on the host with what is on record, and mends what it may. */
export class Doctor {
  constructor(private readonly needs: DoctorNeeds) {}

  /** `yes` to destroying more than a few: 5, or 2 % of the host's containers. */
  async look({ mend, yes }: { mend: boolean; yes: boolean }): Promise<Diagnosis> {
    const differences = await this.differences();
    const destroying = differences.filter(({ destroys }) => destroys).length;
    const isHeld = mend && !yes && !isOrdinary(destroying, this.needs.records.size);
    const findings: Finding[] = [];
    for (const one of differences) {
      const { kind, what, cure } = one;
      if (!mend || !one.mend || (isHeld && one.destroys)) findings.push({ kind, what, cure, mended: false });
      else findings.push({ kind, what, cure, ...(await tried(one.mend)) });
    }
    return { findings, held: isHeld ? destroying : 0 };
  }

  private async differences(): Promise<Difference[]> {
    const { host, records } = this.needs;
    const lives = new Set((await host.runtime.running()).map(({ slot }) => slot));
    const volumes = new Set(await host.layers.volumes());
    const texts = await host.layers.records();
    return [
      ...[...volumes].flatMap((slot) => this.ofVolume(slot, texts.get(slot), lives.has(slot))),
      ...[...lives].flatMap((slot) => (volumes.has(slot) ? [] : this.ofLife(slot))),
      ...[...records.all()].flatMap((record) => (volumes.has(record.slot) ? [] : this.ofMissing(record))),
      ...(await this.ofMoments()),
      ...(await host.runtime.remains()).flatMap((slot) => this.ofRemains(slot)),
      ...(await host.layers.mounted()).flatMap((slot) => (lives.has(slot) ? [] : this.ofMount(slot))),
      ...(await this.ofAddresses(lives)),
      ...(await this.needs.strangeLayers()).map((layer) => ofLayer(layer)),
    ];
  }

  private ofVolume(slot: Slot, text: string | undefined, isAlive: boolean): Difference[] {
    if (this.needs.records.at(slot)) return [];
    const carried = text === undefined ? undefined : readCarried(text);
    const what = `volume ${slot} ${isAlive ? 'is in use and ' : ''}is in no record`;
    const known = carried && this.needs.records.askedFor(carried.id);
    if (!carried || !known?.gone || carried.instance !== this.needs.instance || isAlive) {
      const says = carried ? `; it says that it is ${carried.name} of ${carried.owner}` : ', and carries none';
      const cure = carried ? 'con recover brings it back' : 'remove it by hand, if nobody misses it';
      return [{ kind: 'volume', what: what + says, cure }];
    }
    const mend = async (): Promise<void> => {
      await this.needs.host.runtime.clear(slot);
      await this.needs.host.layers.removeVolume(slot);
    };
    const said = `${what}: its container ${carried.id} was destroyed`;
    return [{ kind: 'volume', what: said, cure: 'con doctor --mend removes it', mend, destroys: true }];
  }

  private ofLife(slot: Slot): Difference[] {
    if (this.needs.records.at(slot)) return [];
    return [{ kind: 'life', what: `container ${slot} runs without record and volume`, cure: 'stop it by hand' }];
  }

  private ofMissing(record: ContainerRecord): Difference[] {
    if (isInTransit(record.state) || record.state === 'failed') return [];
    const what = `${record.name} (${record.id}) has lost its volume ${record.slot}`;
    const reason = 'cannot go on: its volume is missing; bring it back from a backup, or destroy it';
    const mend = async (): Promise<void> => void this.needs.change(record, { state: 'failed', reason });
    const cure = 'bring it back from a backup; --mend calls it failed until then';
    return [{ kind: 'container', what, cure, mend }];
  }

  private async ofMoments(): Promise<Difference[]> {
    const { host, snapshots } = this.needs;
    const onDisk = await host.layers.moments();
    const there = new Set(onDisk.map(({ moment }) => moment));
    const lost = snapshots.list().filter(({ moment, state }) => state === 'kept' && !there.has(moment));
    return [
      ...onDisk.flatMap(({ slot, moment }) => (snapshots.at(moment) ? [] : this.ofMoment(slot, moment))),
      ...lost.map(({ moment, id, container }): Difference => {
        const change = { state: 'failed', reason: 'cannot be restored: it is missing on the disk' } as const;
        const what = `snapshot ${id} of ${container} is missing on the disk`;
        const mend = async (): Promise<void> => snapshots.change(moment, change);
        return { kind: 'snapshot', what, cure: '--mend calls it failed', mend };
      }),
    ];
  }

  /** One that was removed, and is there all the same; one that was never given is a stranger's. */
  private ofMoment(slot: Slot, moment: Moment): Difference[] {
    const { host, snapshots, records } = this.needs;
    const what = `moment ${moment} of volume ${slot} is in no record`;
    if (!records.at(slot) || !snapshots.wasGiven(moment)) {
      return [{ kind: 'moment', what, cure: 'con recover brings back what volumes tell of' }];
    }
    const mend = (): Promise<void> => host.layers.removeMoment(slot, moment);
    const cure = 'con doctor --mend removes it';
    return [{ kind: 'moment', what: `${what}: it was removed`, cure, mend, destroys: true }];
  }

  private ofRemains(slot: Slot): Difference[] {
    if (this.isBusy(slot)) return [];
    const mend = (): Promise<void> => this.alone(slot, () => this.needs.host.runtime.clear(slot));
    const what = `container ${slot} is off, and has left cgroups, an interface or a directory`;
    return [{ kind: 'remains', what, cure: 'con doctor --mend clears them away', mend }];
  }

  private ofMount(slot: Slot): Difference[] {
    if (this.isBusy(slot)) return [];
    const mend = (): Promise<void> => this.alone(slot, () => this.needs.host.layers.unmount(slot));
    const what = `the root of container ${slot} is mounted, and nothing runs there`;
    return [{ kind: 'mount', what, cure: 'con doctor --mend unmounts it', mend }];
  }

  private async ofAddresses(lives: ReadonlySet<Slot>): Promise<Difference[]> {
    const { host, records } = this.needs;
    const open = await host.net.traffic();
    const all = [...records.all()];
    const wanted = all.filter(({ slot, state }) => isOn(state) && lives.has(slot));
    const expected = new Set(all.filter(({ slot, state }) => lives.has(slot) || isInTransit(state)).map(addressOf));
    const differing = [
      ...[...open.keys()].filter((address) => !expected.has(address)).map((one) => `address ${one} is open to nobody`),
      ...wanted.filter(({ address }) => !open.has(address)).map(({ name }) => `${name} is on, and its address closed`),
    ];
    const mend = async (): Promise<void> => syncNet(this.needs, await this.living());
    return differing.map((what) => ({
      kind: 'address',
      what,
      cure: 'con doctor --mend writes the table anew',
      mend,
    }));
  }

  private async living(): Promise<ReadonlyMap<Slot, unknown>> {
    return new Map((await this.needs.host.runtime.running()).map((life) => [life.slot, life]));
  }

  /** Somebody is at work there. */
  private isBusy(slot: Slot): boolean {
    const state = this.needs.records.at(slot)?.state;
    return state !== undefined && (isInTransit(state) || isOn(state));
  }

  /** After what is at work on its container, and only where that has left it as it was. */
  private async alone(slot: Slot, work: () => Promise<void>): Promise<void> {
    const record = this.needs.records.at(slot);
    if (!record) return work();
    return this.needs.during(record.id, async () => {
      if (!this.isBusy(slot)) await work();
    });
  }
}

async function tried(mend: () => Promise<void>): Promise<Pick<Finding, 'mended' | 'failed'>> {
  return mend().then(
    () => ({ mended: true }),
    (error: unknown) => ({ mended: false, failed: asProblem(error).message }),
  );
}

function ofLayer(layer: number): Difference {
  const cure = 'con recover brings it back where a container stands on it; else remove it by hand';
  return { kind: 'layer', what: `layer ${layer} on the disk is in no record of a template`, cure };
}

const addressOf = ({ address }: ContainerRecord): string => address;
