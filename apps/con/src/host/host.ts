import type { Health } from './health.js';
import type { Front } from './front.js';
import type { Layers } from './layers.js';
import type { Meter } from './meter.js';
import type { Net } from './net.js';
import type { Runtime } from './runtime.js';

export type Warning = Readonly<{ what: string; cure: string }>;

export type Facts = Readonly<{
  kernel: string;
  /** Another one means that the host was restarted since. */
  bootId: string;
  architecture: string;
  cpus: number;
  memoryBytes: bigint;
  memoryFreeBytes: bigint;
}>;

/** All that touches the kernel, in four small interfaces; `linux` and `fake` stand behind one contract test. */
export interface Host {
  readonly driver: 'linux' | 'fake';
  readonly runtime: Runtime;
  readonly layers: Layers;
  readonly net: Net;
  readonly meter: Meter;
  /** Absent where no domain of the apps is configured. */
  readonly front?: Front | undefined;
  /** Makes directories and sets or checks what a thousand containers need; answers what it could not mend. */
  prepare(): Promise<readonly Warning[]>;
  facts(): Facts;
  health(): Promise<Health>;
  close(): Promise<void>;
}
