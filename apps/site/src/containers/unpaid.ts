import { Inject, Injectable } from '@nestjs/common';
import { isOn } from '@berth/container';
import type { Logger } from 'pino';
import { LOG } from '../http/tokens.js';
import { Hosts } from './hosts.js';
import { Leases, type Lease } from './leases.js';
import { Terms } from './terms.js';

/** Turns off what nobody can pay for any more. What is used beyond the last credit is at most what one round takes. */
@Injectable()
export class Unpaid {
  constructor(
    private readonly leases: Leases,
    private readonly hosts: Hosts,
    private readonly terms: Terms,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Answers how many were told to stop. A host that is silent is told in a later round. */
  async stop(): Promise<number> {
    const [leases] = await Promise.all([this.leases.all(), this.hosts.look()]);
    const running = leases.filter((lease) => this.isRunning(lease));
    const may = await this.terms.mayRun([...new Set(running.map(({ customerId }) => customerId))]);
    const unpaid = running.filter(({ customerId }) => !may.has(customerId));
    await Promise.all(unpaid.map((lease) => this.stopOne(lease)));
    return unpaid.length;
  }

  private isRunning({ id, host }: Lease): boolean {
    const at = this.hosts.get(host);
    const state = at?.view().silent === false ? at.container(id)?.state : undefined;
    return state !== undefined && (isOn(state) || state === 'starting');
  }

  private async stopOne({ id, host, customerId }: Lease): Promise<void> {
    try {
      const at = this.hosts.mustGet(host);
      at.learn((await at.acts['containers.stop']({ id })).container);
      this.log.info({ lease: id, host, customerId }, 'a container was turned off: there is no credit left');
    } catch (error) {
      this.log.warn({ lease: id, host, err: error }, 'an unpaid container could not be turned off; it is tried again');
    }
  }
}
