import type { IdRange, Slot } from './runtime.js';

/** Number of a layer: what one line of a Confile wrote. */
export type Layer = number;

/** Read-only layers below a root, nearest first, the base last. */
export type Chain = readonly Layer[];

/** Where bytes lie: layers shared by all, a volume for each container. */
export interface Layers {
  /** Lays a distribution's root file system down as a sealed layer. @throws Problem with the tool's own reason. */
  base(
    layer: Layer,
    suite: string,
    io: { log: (chunk: Buffer) => void; signal: AbortSignal },
  ): Promise<{ bytes: bigint }>;
  /** Opens a new, empty layer above a chain for one line to write to; answers where its root is mounted. */
  open(layer: Layer, chain: Chain): Promise<string>;
  /** Unmounts it; from here on nobody writes to it. */
  seal(layer: Layer): Promise<{ bytes: bigint }>;
  /** Removes a layer, sealed or open, mounts included. Already absent is success. */
  removeLayer(layer: Layer): Promise<void>;
  /** Every layer on disk, whatever its state: what reconcile compares with the records. */
  layers(): Promise<readonly Layer[]>;

  /** Makes the empty volume of a container. Already there is success. */
  createVolume(slot: Slot, range: IdRange): Promise<void>;
  /** Mounts a volume above a chain, the layers' ids shifted to the range; answers where. Already mounted is success. */
  mount(slot: Slot, range: IdRange, chain: Chain): Promise<string>;
  /** Already unmounted is success. */
  unmount(slot: Slot): Promise<void>;
  /** Removes a volume and all in it. Already absent is success. */
  removeVolume(slot: Slot): Promise<void>;
  volumes(): Promise<readonly Slot[]>;
  /** What a container wrote, in bytes. */
  volumeBytes(slot: Slot): Promise<bigint>;

  space(): Promise<{ bytes: bigint; freeBytes: bigint }>;
}
