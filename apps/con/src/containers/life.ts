import { isOn, type Limits } from '@berth/container';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Moment } from '../host/layers.js';
import type { Forwarding, Grants } from '../host/net.js';
import type { TemplateSource } from '../templates/ready.js';
import { makeAnother } from './identity.js';
import type { Change, ContainerRecord } from './record.js';
import { stillOf } from './still.js';
import { urlOf } from './view.js';

type Needs = Readonly<{
  host: Pick<Host, 'runtime' | 'layers' | 'net' | 'front'>;
  templates: Pick<TemplateSource, 'chainOf'>;
  tell: (message: string, error?: unknown) => void;
}>;

/** What a container's transitions do on the host, step by step. Each step may run twice. */
export class Life {
  constructor(private readonly needs: Needs) {}

  /** From what another holds now, or held at a moment; another machine with the same data. */
  async copy(record: ContainerRecord, from: ContainerRecord, moment: Moment | undefined): Promise<void> {
    const { layers, runtime } = this.needs.host;
    const still = stillOf(runtime, from.slot, this.needs.tell);
    await layers.duplicateVolume(from.slot, record.slot, still, moment);
    const { diskBytes } = record.limits; // a copy has the limit of its source
    if (diskBytes !== from.limits.diskBytes) await layers.limitVolume(record.slot, diskBytes);
  }

  /** What a copy must not share with what it was copied from. */
  async makeAnother(record: ContainerRecord): Promise<void> {
    const { layers, runtime } = this.needs.host;
    const { slot, range, snapshot } = record;
    const root = await layers.mount(slot, range, this.needs.templates.chainOf(snapshot));
    try {
      await makeAnother(runtime, record, root);
    } finally {
      await layers.unmount(slot);
    }
  }

  async make({ slot, range, limits }: ContainerRecord): Promise<Change> {
    await this.needs.host.layers.createVolume(slot, range, limits.diskBytes);
    return { state: 'stopped' };
  }

  /**
   * Mounts the root, opens the network, runs init, and leads its ports there; undone backwards where a step fails.
   * Ports come last: a visitor who is too early is refused at once. Led to a network that is not up yet, the kernel
   * would ask for its address once and wait a second before it asks again (ip-sysctl, neigh/default/retrans_time_ms).
   */
  async begin(record: ContainerRecord, isLate: () => boolean): Promise<Change> {
    const { layers, net, runtime } = this.needs.host;
    const { slot, range, address, limits, name: hostname } = record;
    const undo: (() => Promise<void>)[] = [() => layers.unmount(slot)];
    try {
      // A container whose creation failed may be started all the same; one that has run has data, and must find it.
      if (record.boot <= 1) await layers.createVolume(slot, range, limits.diskBytes);
      const root = await layers.mount(slot, range, this.needs.templates.chainOf(record.snapshot));
      // A daemon may have ended between the disk and the record: the record's word counts.
      if (record.boot > 1)
        await layers
          .limitVolume(slot, limits.diskBytes)
          .catch((error: unknown) => this.needs.tell(`cannot hold the disk of ${hostname} to its limit`, error));
      undo.push(() => net.close(slot, address, forwardings(record)));
      await net.open(slot, address, [], grantsOf(record));
      undo.push(() => runtime.stop(slot, { timeoutMs: 0 }));
      const environment = this.firstBoot(record);
      const life = await runtime.start(slot, { hostname, range, root, address, limits, environment });
      await net.open(slot, address, forwardings(record), grantsOf(record));
      if (isLate()) throw new Problem('unavailable', `cannot start ${hostname}: it ran too late`);
      return { state: 'running', startedAt: life.startedAt };
    } catch (error) {
      for (const step of undo.reverse()) {
        await step().catch((late: unknown) => this.needs.tell(`cannot undo the start of ${hostname}`, late));
      }
      throw error;
    }
  }

  /** All of them or none. @throws Problem `conflict` where it uses more, naming the least that is possible. */
  async limit({ slot, state, limits: before }: ContainerRecord, limits: Limits): Promise<void> {
    const { layers, runtime } = this.needs.host;
    const isOther = limits.diskBytes !== before.diskBytes;
    if (isOther) await layers.limitVolume(slot, limits.diskBytes);
    if (!isOn(state)) return;
    try {
      await runtime.limit(slot, limits);
    } catch (error) {
      if (isOther) await layers.limitVolume(slot, before.diskBytes);
      throw error;
    }
  }

  /** @param leaving is awaited once the life has ended, while its counters can still be read. */
  async end(record: ContainerRecord, timeoutMs: number, leaving: () => Promise<void>): Promise<void> {
    const { runtime, net, layers } = this.needs.host;
    await runtime.stop(record.slot, { timeoutMs, leaving });
    await net.close(record.slot, record.address, forwardings(record));
    await layers.unmount(record.slot);
  }

  async remove(record: ContainerRecord): Promise<void> {
    await this.end(record, 0, () => Promise.resolve());
    await this.needs.host.layers.removeVolume(record.slot);
  }

  /** What PID 1 is told; a template's own variables cannot stand in for con's. */
  private firstBoot(record: ContainerRecord): Record<string, string> {
    const { name, secret, environment } = record;
    const url = urlOf(record, this.needs.host);
    return { ...environment, BERTH_NAME: name, BERTH_SECRET: secret, ...(url === undefined ? {} : { BERTH_URL: url }) };
  }
}

export function forwardings({ address, forwards }: ContainerRecord): Forwarding[] {
  return forwards.map((forward) => ({ ...forward, address }));
}

export function grantsOf({
  grants: { smtp, networks = [], outBytesPerSecond, inBytesPerSecond },
}: ContainerRecord): Grants {
  return {
    ...(outBytesPerSecond ? { outBytesPerSecond } : {}),
    ...(inBytesPerSecond ? { inBytesPerSecond } : {}),
    ...(smtp ? { smtp } : {}),
    ...(networks.length > 0 ? { networks: networks.map(({ number }) => number) } : {}),
  };
}
