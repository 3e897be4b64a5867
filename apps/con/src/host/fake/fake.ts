import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config.js';
import type { Health } from '../health.js';
import type { Facts, Host, Warning } from '../host.js';
import type { Meter, Reading } from '../meter.js';
import type { Net } from '../net.js';
import type { Slot } from '../runtime.js';
import { FakeFront } from './front.js';
import { FakeLayers } from './layers.js';
import { FakeNet } from './net.js';
import { FakeRuntime, type FakeLife } from './runtime.js';
import { Shelf } from './shelf.js';

/**
 * A host that pretends: for laptops without root, and for load. It remembers what runs in files, as a kernel would
 * remember it for a daemon that was killed. It ships, and says so in `host.info` and on every page.
 */
export class FakeHost implements Host {
  readonly driver = 'fake';
  readonly runtime: FakeRuntime;
  readonly layers: FakeLayers;
  readonly net: Net;
  readonly meter: Meter;
  readonly front: FakeFront | undefined;
  private readonly lives: Shelf<FakeLife>;

  /** `now` and `firstCount` are for tests: time that they pass by hand, and counters that begin beyond 2³¹. */
  constructor(
    config: Pick<Config, 'home' | 'appsHost' | 'appsDomain'>,
    private readonly now: () => number = Date.now,
    private readonly firstCount = 0n,
  ) {
    const kernel = join(config.home, 'fake');
    this.lives = new Shelf(join(kernel, 'lives'));
    this.runtime = new FakeRuntime(this.lives, now);
    this.layers = new FakeLayers(new Shelf(join(kernel, 'layers')), new Shelf(join(kernel, 'volumes')));
    this.net = new FakeNet(new Shelf(join(kernel, 'addresses')), config.appsHost ?? '127.0.0.1', now, firstCount);
    this.front = config.appsDomain === undefined ? undefined : new FakeFront(config.appsDomain);
    this.meter = { read: (slots) => this.read(slots) };
  }

  prepare(): Promise<readonly Warning[]> {
    return Promise.resolve([]);
  }

  facts(): Facts {
    const GiB = 1024n ** 3n;
    return {
      kernel: 'fake',
      bootId: 'fake',
      architecture: process.arch,
      cpus: cpus().length,
      memoryBytes: 64n * GiB,
      memoryFreeBytes: 48n * GiB,
    };
  }

  async health(): Promise<Health> {
    const { memoryBytes, memoryFreeBytes } = this.facts();
    const { bytes: diskBytes, freeBytes: diskFreeBytes } = await this.layers.space();
    return { memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes, inodes: 0n, inodesFree: 0n };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Four busy cores each, so that numbers beyond 2³¹ are met within a second. */
  private read(slots: Iterable<Slot>): ReadonlyMap<Slot, Reading> {
    const readings = new Map<Slot, Reading>();
    for (const slot of slots) {
      const life = this.lives.get(slot);
      if (!life) continue;
      const cpuNanos = this.firstCount + BigInt(this.now() - life.startedAt) * 4_000_000n;
      readings.set(slot, { isAlive: true, cpuNanos, memoryBytes: BigInt(life.memoryBytes), pageCacheBytes: 0n });
    }
    return readings;
  }
}
