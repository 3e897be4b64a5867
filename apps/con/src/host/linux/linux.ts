import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Health } from '../health.js';
import type { Facts, Host, Warning } from '../host.js';
import { CaddyFront } from './caddy.js';
import { Cgroups } from './cgroups.js';
import { Changes } from './changes.js';
import { facts } from './facts.js';
import { readHealth } from './health.js';
import { Lines } from './line.js';
import { LinuxMeter } from './meter.js';
import { LinuxNet } from './net.js';
import { prepare } from './prepare.js';
import { keepFilesFromChildren } from './syscalls.js';
import { LinuxRuntime } from './runtime.js';
import { settleStorage, storageOf, type Storage } from './storage.js';

/** A real host: LXC, overlayfs, cgroups and nftables. Closing it leaves containers running. */
export class LinuxHost implements Host {
  readonly driver = 'linux';
  readonly runtime: LinuxRuntime;
  readonly layers: Storage;
  readonly net: LinuxNet;
  readonly meter: LinuxMeter;
  readonly front: CaddyFront | undefined;
  private readonly cgroups: Cgroups;
  private readonly changes: Changes;
  private readonly stopForgetting: () => void;

  /** `note` is told of every change to the host before it is made. */
  constructor(
    private readonly config: Config,
    note: (text: string) => void = () => undefined,
  ) {
    this.cgroups = new Cgroups(config);
    this.changes = new Changes(config.home, note);
    const lines = new Lines(config, this.cgroups);
    this.layers = storageOf(config, lines);
    this.runtime = new LinuxRuntime(config, this.cgroups, lines);
    this.net = new LinuxNet(config);
    const { appsDomain } = config;
    this.front = appsDomain === undefined ? undefined : new CaddyFront({ ...config, appsDomain });
    this.meter = new LinuxMeter(this.cgroups);
    this.stopForgetting = this.runtime.watch((slot) => this.meter.forget(slot));
  }

  async prepare(): Promise<readonly Warning[]> {
    if (process.getuid?.() !== 0) {
      throw new Problem('forbidden', 'cannot drive containers of this host: run con as root, or with --driver fake');
    }
    const keepsFiles = keepFilesFromChildren();
    settleStorage(this.config);
    await this.layers.prepare();
    const warnings = await prepare(this.config, this.cgroups, this.changes);
    warnings.push(...this.layers.warnings);
    const lacks = this.front?.lacks;
    if (lacks) warnings.push({ what: 'names of containers do not answer', cure: lacks });
    return keepsFiles ? warnings : [...warnings, oldKernel];
  }

  facts(): Facts {
    return facts();
  }

  health(): Promise<Health> {
    return readHealth(this.config.home);
  }

  /** Undoes what `prepare` and `net.sync` changed on the host, containers ended first; for `npm run teardown`. */
  async teardown(): Promise<void> {
    for (const slot of this.cgroups.slots()) await this.runtime.stop(slot, { timeoutMs: 10_000 });
    await this.runtime.clearLines();
    await this.layers.unmountAll();
    await this.front?.remove();
    await this.net.remove();
    await this.cgroups.removeAll();
    this.changes.undo();
  }

  async close(): Promise<void> {
    this.stopForgetting();
    this.runtime.close();
    this.meter.close();
    await this.net.settled();
    await this.front?.settled();
  }
}

const oldKernel: Warning = {
  what: 'the kernel is older than 5.11: files left open by whoever started con reach the commands it runs in containers',
  cure: 'start con from systemd, or with a newer kernel',
};
