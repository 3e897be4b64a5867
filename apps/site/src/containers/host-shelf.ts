import { Injectable } from '@nestjs/common';
import type { Template } from '@berth/con-protocol';
import { Shelf } from '../catalogue/shelf.js';
import { Hosts } from './hosts.js';
import { Leases } from './leases.js';

@Injectable()
export class HostShelf implements Shelf {
  constructor(
    private readonly hosts: Hosts,
    private readonly leases: Leases,
  ) {}

  async ready(): Promise<Iterable<Template>> {
    await this.hosts.look();
    return this.hosts.templates().values();
  }

  mayGrow(): boolean {
    return this.hosts.mayGrow();
  }

  async namesOf(customerId: string): Promise<ReadonlySet<string>> {
    return new Set((await this.leases.of(customerId)).map(({ name }) => name));
  }
}
