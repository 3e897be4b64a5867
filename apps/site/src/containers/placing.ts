import { Inject, Injectable } from '@nestjs/common';
import { can } from '@berth/container';
import { Problem } from '@berth/problem';
import type { Logger } from 'pino';
import { InvalidFields } from '../http/invalid-fields.js';
import { LOG } from '../http/tokens.js';
import { Hosts } from './hosts.js';
import { place } from './placement.js';
import { Leases, type Lease } from './leases.js';

/** Refusals that stay what they are however often one asks. */
const final: ReadonlySet<string> = new Set(['invalid', 'not_found', 'conflict', 'forbidden']);

export function isFinal(error: unknown): error is Problem {
  return error instanceof Problem && final.has(error.code);
}

/** Brings leases to their hosts, and ends those whose containers are gone. Every step may run twice. */
@Injectable()
export class Placing {
  private readonly busy = new Set<string>();

  constructor(
    private readonly hosts: Hosts,
    private readonly leases: Leases,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** @throws Problem `invalid` for what no host has, `unavailable` where one that is silent or builds may have it. */
  choose(app: string, version: string): string {
    const candidates = this.hosts.all.flatMap((host) => {
      const info = host.info.value;
      if (host.view().silent || !info) return [];
      const hasTemplate = (host.templates.value ?? []).some(
        (one) => one.name === app && one.version === version && one.snapshot !== undefined,
      );
      return [{ name: host.name, hasTemplate, containers: host.size, memoryFreeBytes: info.memoryFreeBytes }];
    });
    const chosen = place(candidates);
    if (chosen !== undefined) return chosen;
    if (!this.hosts.mayGrow()) {
      const reason = `cannot add ${app} ${version}: nobody offers it; choose one of the catalogue`;
      throw new InvalidFields(reason, { app: reason }, 'invalid', { kind: 'app-not-offered' });
    }
    throw new Problem(
      'unavailable',
      'cannot add this: no host that answers has that app and version; try again later',
      {
        kind: 'app-not-offered',
      },
    );
  }

  /**
   * Tells the host to create it. The lease's id makes a repetition harmless, so an answer that never came is asked for
   * again later. @throws Problem with the host's refusal, which is final.
   */
  async send(lease: Lease): Promise<void> {
    const host = this.hosts.mustGet(lease.host);
    const { id, name, customerId: owner, app, version, memoryBytes, cpuMillis, pids, tariffTag } = lease;
    const limits = { memoryBytes, cpuMillis, pids };
    const order = { id, name, owner, template: { name: app, version }, limits, tariffTag };
    try {
      const { container } = await host.acts['containers.create'](order);
      host.learn(container);
    } catch (error) {
      if (isFinal(error)) await this.leases.refused(id, error.message);
      throw error;
    }
    await this.leases.placed(id);
  }

  /** What a poll or a job does beside its answer: nobody waits for it, and its failures are for the next time. */
  async settle(leases: readonly Lease[]): Promise<void> {
    await Promise.all(leases.map((lease) => this.once(lease)));
  }

  private async once(lease: Lease): Promise<void> {
    const host = this.hosts.get(lease.host);
    if (this.busy.has(lease.id) || lease.refusal !== null || !host || host.view().silent) return;
    this.busy.add(lease.id);
    try {
      if (lease.placedAt === null) await this.send(lease);
      else await this.follow(lease);
    } catch (error) {
      this.log.warn(
        { lease: lease.id, host: lease.host, err: error },
        'a lease could not be settled; it is tried again',
      );
    } finally {
      this.busy.delete(lease.id);
    }
  }

  /** A trash can be filled and emptied at the host itself: the lease follows what the host says. */
  private async follow(lease: Lease): Promise<void> {
    const container = this.hosts.get(lease.host)?.container(lease.id);
    const until = container?.trashedUntil ?? null;
    if (container && container.name !== lease.name && can('rename', container.state).allowed)
      await this.hosts.mustGet(lease.host).acts['containers.rename']({ id: lease.id, name: lease.name });
    if (container && until !== (lease.trashedUntil?.toISOString() ?? null)) await this.leases.trashed(lease.id, until);
    if (!container && lease.trashedUntil !== null && lease.trashedUntil.getTime() <= Date.now()) await this.end(lease);
  }

  /** Only the host's own word ends a lease, and only once its time in the trash is over: never a silence. */
  private async end(lease: Lease): Promise<void> {
    try {
      await this.hosts.mustGet(lease.host).acts['containers.get']({ id: lease.id });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'not_found') throw error;
      await this.leases.ended(lease.id);
    }
  }
}
