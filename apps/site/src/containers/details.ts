import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { mustBeName } from '@berth/container';
import { Problem } from '@berth/problem';
import type { ContainerDetail, ContainerSnapshot, Container } from '@berth/site-api';
import { Containers, field, inOurWords } from './containers.js';
import type { Host } from './host.js';
import { Hosts } from './hosts.js';
import { Leases, type Lease } from './leases.js';

/** A key may hold what no id may. */
function idFrom(key: string): string {
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(key) ? key : createHash('sha256').update(key).digest('hex').slice(0, 40);
}

/** What the page of one container shows beside its row, and what can be done with its kept states. */
@Injectable()
export class Details {
  constructor(
    private readonly containers: Containers,
    private readonly leases: Leases,
    private readonly hosts: Hosts,
  ) {}

  async get(customerId: string, id: string): Promise<ContainerDetail> {
    const container = await this.containers.get(customerId, id);
    const lease = await this.leases.mustGet(id, customerId);
    const host = this.hosts.get(lease.host);
    const told = host?.container(id);
    const health = host?.view().listing?.usage.get(id)?.health;
    const snapshots = host && told && !host.view().silent ? await this.snapshotsOf(host, id) : undefined;
    return {
      container,
      cpuMillis: lease.cpuMillis,
      pids: lease.pids,
      ...(health ? { health } : {}),
      forwards: told?.forwards ?? [],
      domains: [...(told?.hostName ? [told.hostName] : []), ...(told?.domains ?? [])],
      ...(snapshots ? { snapshots } : {}),
    };
  }

  /** @param key makes it once: it is the snapshot's id. @throws InvalidFields for a name that is none. */
  async snapshot(customerId: string, id: string, name: string | undefined, key: string): Promise<ContainerSnapshot> {
    const named = name === undefined ? undefined : field('name', () => mustBeName(name));
    const order = { id, snapshot: idFrom(key), ...(named === undefined ? {} : { name: named }) };
    return this.told(customerId, id, async (host) => (await host.acts['containers.snapshot'](order)).snapshot);
  }

  async restore(customerId: string, id: string, snapshot: string): Promise<Container> {
    await this.told(customerId, id, async (host) => {
      const { container } = await host.acts['containers.restoreSnapshot']({ id, snapshot });
      host.learn(container);
    });
    return this.containers.get(customerId, id);
  }

  async remove(customerId: string, id: string, snapshot: string): Promise<void> {
    await this.told(customerId, id, (host) => host.acts['containers.removeSnapshot']({ id, snapshot }));
  }

  private async told<T>(customerId: string, id: string, act: (host: Host) => Promise<T>): Promise<T> {
    const lease: Lease = await this.leases.mustGet(id, customerId);
    const host = this.hosts.mustGet(lease.host);
    try {
      return await act(host);
    } catch (error) {
      throw error instanceof Problem ? inOurWords('snapshot', lease, error) : error;
    }
  }

  /** A host whose con is older has none; one that does not answer says nothing. */
  private async snapshotsOf(host: Host, id: string): Promise<ContainerSnapshot[] | undefined> {
    try {
      const { snapshots } = await host.acts['containers.snapshots']({ id });
      return snapshots.map((one) => ({ ...one }));
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }
}
