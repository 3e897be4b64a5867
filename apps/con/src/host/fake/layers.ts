import { Problem } from '@berth/problem';
import type { Chain, Layer, Layers } from '../layers.js';
import type { IdRange, Slot } from '../runtime.js';
import type { Shelf } from './shelf.js';

export type FakeLayer = Readonly<{ open: boolean }>;
export type FakeVolume = Readonly<{ range: IdRange }>;

const MiB = 1024n * 1024n;

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

  removeLayer(layer: Layer): Promise<void> {
    this.shelf.take(layer);
    return Promise.resolve();
  }

  layers(): Promise<readonly Layer[]> {
    return Promise.resolve(this.shelf.numbers());
  }

  createVolume(slot: Slot, range: IdRange): Promise<void> {
    this.shelfOfVolumes.put(slot, { range });
    return Promise.resolve();
  }

  async mount(slot: Slot, _range: IdRange, _chain: Chain): Promise<string> {
    if (!this.shelfOfVolumes.get(slot))
      throw new Problem('not_found', `cannot mount volume ${slot}: it does not exist`);
    return `/fake/roots/${slot}`;
  }

  unmount(): Promise<void> {
    return Promise.resolve();
  }

  removeVolume(slot: Slot): Promise<void> {
    this.shelfOfVolumes.take(slot);
    return Promise.resolve();
  }

  volumes(): Promise<readonly Slot[]> {
    return Promise.resolve(this.shelfOfVolumes.numbers());
  }

  volumeBytes(slot: Slot): Promise<bigint> {
    return Promise.resolve(this.shelfOfVolumes.get(slot) ? 10n * MiB : 0n);
  }

  space(): Promise<{ bytes: bigint; freeBytes: bigint }> {
    return Promise.resolve({ bytes: 1_000_000n * MiB, freeBytes: 900_000n * MiB });
  }
}
