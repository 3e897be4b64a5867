import type { Limits } from '@berth/container';
import { Problem } from '@berth/problem';

/** con's own small number for a container: interface names, addresses, cgroups and paths are made from it, never from a caller's id. */
export type Slot = number;

/** Number of a 65,536 wide range of user ids. 0 is the range that template layers are stored in; each owner has another. */
export type IdRange = number;

/** How wide a range of user ids is. */
export const rangeWidth = 65_536;

/** How many ranges a con that begins at an id may use; the last id of all means "none" (kernel, user_namespaces(7)). */
export function rangesFrom(firstId: number): number {
  return Math.min(16_384, Math.floor((2 ** 32 - firstId) / rangeWidth) - 1);
}

export type ContainerSpec = Readonly<{
  hostname: string;
  range: IdRange;
  /** Where Layers mounted its root. */
  root: string;
  address: string;
  limits: Limits;
  /** What PID 1 is told, the first-boot values among it; a unit takes them with PassEnvironment. */
  environment: Readonly<Record<string, string>>;
}>;

/** One life of a container, from its init's first moment to its death. */
export type Running = Readonly<{ slot: Slot; initPid: number; startedAt: Date; frozen: boolean }>;

/** One command of a Confile, run in a container of its own that ends with it. */
export type LineSpec = Readonly<{
  /** Names the container while the line runs, among lines. */
  layer: number;
  root: string;
  argv: readonly string[];
  workdir: string;
  environment: Readonly<Record<string, string>>;
  /** A network of its own while it runs; COPY needs none. */
  network: boolean;
  /** What it reads on standard input; nothing where absent. */
  input?: NodeJS.ReadableStream;
  /** Both of its outputs, as they come. */
  log: (chunk: Buffer) => void;
  signal: AbortSignal;
}>;

/** One command on the root of a container, beside whatever runs there: with its ids, in bounds of its own, without a network. */
export type AsideSpec = Readonly<{
  slot: Slot;
  range: IdRange;
  /** Where Layers mounted its root. */
  root: string;
  argv: readonly string[];
  /** Both of its outputs, as they come. */
  log: (chunk: Buffer) => void;
  signal: AbortSignal;
}>;

/** A command inside a running container. */
export type ExecSession = Readonly<{
  input: NodeJS.WritableStream;
  output: NodeJS.ReadableStream;
  errors: NodeJS.ReadableStream;
  /** The command's exit code, 128 + n after signal n. */
  exit: Promise<number>;
  kill(): void;
}>;

/** What one host can do to a container. It knows LXC; it knows no owner, no price, no RPC. */
export interface Runtime {
  /** The truth, read fresh. */
  running(): Promise<readonly Running[]>;
  /** Resolves once its init runs. Leftovers of a former life are removed first. */
  start(slot: Slot, spec: ContainerSpec): Promise<Running>;
  /**
   * Asks init, again and again; kills once the time is over. Already gone is success.
   * `leaving` is awaited when nothing runs any more and what was counted can still be read.
   */
  stop(slot: Slot, options: { timeoutMs: number; leaving?: () => Promise<void> }): Promise<void>;
  /** No process of it gets the processor any more; its memory stays. Resolves once that is so; frozen already is success. */
  freeze(slot: Slot): Promise<void>;
  thaw(slot: Slot): Promise<void>;
  /**
   * Holds what runs to other limits at once.
   * @throws Problem `conflict` where it uses more memory than that; what was set stays then.
   */
  limit(slot: Slot, limits: Limits): Promise<void>;
  exec(slot: Slot, argv: readonly string[]): ExecSession;
  /** Resolves with the exit code; whatever the line left running is ended with it. */
  line(spec: LineSpec): Promise<number>;
  /**
   * Resolves with the exit code of a command that needs nothing of what runs in the container, and therefore works where
   * nothing runs or nothing more can be started; one at a time for each container. @throws Problem where it could not be run.
   */
  aside(spec: AsideSpec): Promise<number>;
  /** Removes what a dead container left in the kernel and on disk, its volume excepted. Already absent is success. */
  clear(slot: Slot): Promise<void>;
  /** Slots of which the kernel or the run directory still holds something though nothing lives there: what `clear` removes. */
  remains(): Promise<readonly Slot[]>;
  /** Lines that outlived the daemon that ran them are ended; answers when none is left. */
  clearLines(): Promise<void>;
  /** Calls back when a container has ended, by whatever hand. Answers the way to stop watching. */
  watch(ended: (slot: Slot) => void): () => void;
}

const MiB = 1024n * 1024n;

/** Names the least that would do, in whole MiB. */
export function tooLittleMemory(usedBytes: bigint): Problem {
  const least = (usedBytes + MiB - 1n) / MiB;
  return new Problem(
    'conflict',
    `cannot lower the memory so far: more is in use; ${least} MiB are the least that is possible now`,
  );
}
