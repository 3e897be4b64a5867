import { Problem } from '@berth/problem';
import type { IdRange, Slot } from './runtime.js';

/** Number of a layer: what one line of a Confile wrote. */
export type Layer = number;

/** Read-only layers below a root, nearest first, the base last. */
export type Chain = readonly Layer[];

/** Number of a kept state of a volume; con's own, never used again. */
export type Moment = number;

/** Runs what must see nothing move: the container's processes are halted around `act`, and thawed whatever happens. */
export type Still = <T>(act: () => Promise<T>) => Promise<T>;

/**
 * Bytes of one container, told without walking a tree. `ownBytes` is what it wrote and did not delete, its template not
 * among it; `momentsBytes` is what its kept moments hold beside it.
 */
export type VolumeBytes = Readonly<{ ownBytes: bigint; momentsBytes: bigint }>;

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
  /**
   * Lays what a whole chain shows, from its nearest layer to its base, down as one new sealed layer: what a chain that
   * comes near the kernel's 500 layers is replaced by. Owners, modes, hard links, holes and attributes are as in the
   * chain, and what was deleted is gone. @throws Problem `conflict` where the layer exists; nothing is left of a failure.
   */
  flatten(layer: Layer, chain: Chain): Promise<{ bytes: bigint }>;
  /** Removes a layer, sealed or open, mounts included. Already absent is success. */
  removeLayer(layer: Layer): Promise<void>;
  /** Every layer on disk, whatever its state: what reconcile compares with the records. */
  layers(): Promise<readonly Layer[]>;

  /**
   * Makes the empty volume of a container, which the kernel bounds to `diskBytes`. Already there is success; it keeps
   * what it holds, and is bounded anew.
   */
  createVolume(slot: Slot, range: IdRange, diskBytes: bigint): Promise<void>;
  /**
   * Bounds a volume anew, mounted or not; the limit stays with it. @throws Problem `conflict` where more is in use, naming
   * the least that is possible (tooLittleDisk).
   */
  limitVolume(slot: Slot, diskBytes: bigint): Promise<void>;
  /** While held, no volume takes more of the disk than it has; inside it is as if its disk were full. */
  hold(isHeld: boolean): Promise<void>;
  /** Mounts a volume above a chain, the layers' ids shifted to the range; answers where. Already mounted is success. */
  mount(slot: Slot, range: IdRange, chain: Chain): Promise<string>;
  /** Already unmounted is success. */
  unmount(slot: Slot): Promise<void>;
  /** Removes a volume and all in it, its moments too. Already absent is success. */
  removeVolume(slot: Slot): Promise<void>;
  volumes(): Promise<readonly Slot[]>;
  /** Whose roots are mounted. */
  mounted(): Promise<readonly Slot[]>;
  /** None of a volume that does not exist. */
  volumeBytes(slot: Slot): Promise<VolumeBytes>;

  /**
   * Keeps what a volume holds now, also while its container runs. Already there is success, and keeps what was kept.
   * Answers its bytes as if nothing were shared. @throws Problem `unavailable` on a full disk, with nothing left of it.
   */
  keepMoment(slot: Slot, moment: Moment, still: Still): Promise<{ bytes: bigint }>;
  /**
   * Puts a kept state in place of what an unmounted volume holds: after a kill it is wholly the old or the new one.
   * Every moment stays. @throws Problem `conflict` while the volume is mounted.
   */
  restoreMoment(slot: Slot, moment: Moment): Promise<void>;
  /** Already absent is success. */
  removeMoment(slot: Slot, moment: Moment): Promise<void>;
  /** Every kept state on disk: what reconcile compares with the records. */
  moments(): Promise<readonly Readonly<{ slot: Slot; moment: Moment }>[]>;
  /**
   * Makes a volume of the same range from what another holds now, or from a moment of it; it is there wholly or not at
   * all. Already there is success. The copy carries no moments and no record, and has the limit of its source.
   */
  duplicateVolume(from: Slot, to: Slot, still: Still, moment?: Moment): Promise<void>;
  /** Leaves a text beside a volume, where root inside cannot reach it; it replaces the one before at once. */
  writeRecord(slot: Slot, text: string): Promise<void>;
  /** The texts of all volumes that carry one. */
  records(): Promise<ReadonlyMap<Slot, string>>;

  space(): Promise<{ bytes: bigint; freeBytes: bigint }>;
}

const MiB = 1024n * 1024n;

/** Names the least that would do, in whole MiB. */
export function tooLittleDisk(usedBytes: bigint): Problem {
  const least = (usedBytes + MiB - 1n) / MiB;
  return new Problem(
    'conflict',
    `cannot lower the disk so far: more is in use; ${least} MiB are the least that is possible now`,
  );
}
