import { Problem } from '@berth/problem';
import {
  tooLittleDisk,
  type Chain,
  type Layer,
  type Layers,
  type Moment,
  type Still,
  type VolumeBytes,
} from '../layers.js';
import type { IdRange, Slot } from '../runtime.js';
import type { Shelf } from './shelf.js';

export type FakeLayer = Readonly<{ open: boolean }>;
export type FakeVolume = Readonly<{
  range: IdRange;
  moments?: readonly Moment[];
  record?: string;
  diskBytes?: string;
  mounted?: true;
}>;

const MiB = 1024n * 1024n;
/** What every container is said to have written. */
const written = 10n * MiB;

/** Layers and volumes that weigh what they are said to weigh. */
export class FakeLayers implements Layers {
  constructor(
    private readonly shelf: Shelf<FakeLayer>,
    private readonly shelfOfVolumes: Shelf<FakeVolume>,
  ) {}

  base(layer: Layer, suite: string, { log, signal }: Parameters<Layers['base']>[2]): Promise<{ bytes: bigint }> {
    signal.throwIfAborted();
    log(Buffer.from(`pretending to lay down ${suite}\n`));
    this.shelf.put(layer, { open: false });
    return Promise.resolve({ bytes: 200n * MiB });
  }

  open(layer: Layer): Promise<string> {
    this.shelf.put(layer, { open: true });
    return Promise.resolve(`/fake/layers/${layer}`);
  }

  seal(layer: Layer): Promise<{ bytes: bigint }> {
    this.shelf.put(layer, { open: false });
    return Promise.resolve({ bytes: MiB });
  }

  flatten(layer: Layer, chain: Chain): Promise<{ bytes: bigint }> {
    if (chain.length === 0) throw new Problem('invalid', `cannot flatten nothing into layer ${layer}`);
    if (this.shelf.get(layer)) {
      throw new Problem('conflict', `cannot write layer ${layer}: it exists already; remove it first`);
    }
    this.shelf.put(layer, { open: false });
    return Promise.resolve({ bytes: 200n * MiB });
  }

  removeLayer(layer: Layer): Promise<void> {
    this.shelf.take(layer);
    return Promise.resolve();
  }

  layers(): Promise<readonly Layer[]> {
    return Promise.resolve(this.shelf.numbers());
  }

  async createVolume(slot: Slot, range: IdRange, diskBytes: bigint): Promise<void> {
    if (this.shelfOfVolumes.get(slot)) return this.limitVolume(slot, diskBytes);
    this.shelfOfVolumes.put(slot, { range, diskBytes: `${diskBytes}` });
  }

  async limitVolume(slot: Slot, diskBytes: bigint): Promise<void> {
    const volume = this.volume(slot);
    if (diskBytes < written) throw tooLittleDisk(written);
    this.shelfOfVolumes.put(slot, { ...volume, diskBytes: `${diskBytes}` });
  }

  hold(): Promise<void> {
    return Promise.resolve();
  }

  async mount(slot: Slot, _range: IdRange, _chain: Chain): Promise<string> {
    if (!this.shelfOfVolumes.get(slot))
      throw new Problem('not_found', `cannot mount volume ${slot}: it does not exist`);
    this.shelfOfVolumes.put(slot, { ...this.volume(slot), mounted: true });
    return `/fake/roots/${slot}`;
  }

  unmount(slot: Slot): Promise<void> {
    const { mounted, ...volume } = this.shelfOfVolumes.get(slot) ?? {};
    if (mounted) this.shelfOfVolumes.put(slot, volume as FakeVolume);
    return Promise.resolve();
  }

  removeVolume(slot: Slot): Promise<void> {
    this.shelfOfVolumes.take(slot);
    return Promise.resolve();
  }

  volumes(): Promise<readonly Slot[]> {
    return Promise.resolve(this.shelfOfVolumes.numbers());
  }

  mounted(): Promise<readonly Slot[]> {
    const slots = this.shelfOfVolumes.numbers();
    return Promise.resolve(slots.filter((slot) => this.shelfOfVolumes.get(slot)?.mounted));
  }

  volumeBytes(slot: Slot): Promise<VolumeBytes> {
    const volume = this.shelfOfVolumes.get(slot);
    const kept = BigInt(volume?.moments?.length ?? 0);
    return Promise.resolve({ ownBytes: volume ? written : 0n, momentsBytes: kept * written });
  }

  async keepMoment(slot: Slot, moment: Moment, still: Still): Promise<{ bytes: bigint }> {
    const volume = this.volume(slot);
    const moments = volume.moments ?? [];
    const keep = (): void => this.shelfOfVolumes.put(slot, { ...volume, moments: [...moments, moment] });
    if (!moments.includes(moment)) await still(() => Promise.resolve(keep()));
    return { bytes: written };
  }

  async restoreMoment(slot: Slot, moment: Moment): Promise<void> {
    if (this.volume(slot).mounted)
      throw new Problem('conflict', `cannot restore volume ${slot}: it is mounted; stop its container first`);
    this.mustHave(slot, moment);
  }

  removeMoment(slot: Slot, moment: Moment): Promise<void> {
    const volume = this.shelfOfVolumes.get(slot);
    const moments = volume?.moments?.filter((each) => each !== moment) ?? [];
    if (volume) this.shelfOfVolumes.put(slot, { ...volume, moments });
    return Promise.resolve();
  }

  moments(): Promise<readonly Readonly<{ slot: Slot; moment: Moment }>[]> {
    const of = (slot: Slot): readonly Moment[] => this.shelfOfVolumes.get(slot)?.moments ?? [];
    return Promise.resolve(
      this.shelfOfVolumes.numbers().flatMap((slot) => of(slot).map((moment) => ({ slot, moment }))),
    );
  }

  async duplicateVolume(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void> {
    if (this.shelfOfVolumes.get(to)) return;
    const { range, diskBytes } = this.volume(from);
    const copy = { range, ...(diskBytes === undefined ? {} : { diskBytes }) };
    const make = (): Promise<void> => Promise.resolve(this.shelfOfVolumes.put(to, copy));
    if (moment === undefined) return still(make);
    this.mustHave(from, moment);
    await make();
  }

  async writeRecord(slot: Slot, record: string): Promise<void> {
    this.shelfOfVolumes.put(slot, { ...this.volume(slot), record });
  }

  records(): Promise<ReadonlyMap<Slot, string>> {
    const told = this.shelfOfVolumes.numbers().flatMap((slot): [Slot, string][] => {
      const record = this.shelfOfVolumes.get(slot)?.record;
      return record === undefined ? [] : [[slot, record]];
    });
    return Promise.resolve(new Map(told));
  }

  private volume(slot: Slot): FakeVolume {
    const volume = this.shelfOfVolumes.get(slot);
    if (volume) return volume;
    throw new Problem('not_found', `cannot find volume ${slot}: it does not exist`);
  }

  private mustHave(slot: Slot, moment: Moment): void {
    if (this.volume(slot).moments?.includes(moment)) return;
    throw new Problem('not_found', `cannot find moment ${moment} of volume ${slot}: it does not exist`);
  }

  space(): Promise<{ bytes: bigint; freeBytes: bigint }> {
    return Promise.resolve({ bytes: 1_000_000n * MiB, freeBytes: 900_000n * MiB });
  }
}
