import { Controller } from '@nestjs/common';
import type { Host as HostRecord, ReplyOf } from '@berth/site-api';
import { Serves } from '../http/serves.js';
import type { Host } from './host.js';
import { Hosts } from './hosts.js';

@Controller()
export class HostsController {
  constructor(private readonly hosts: Hosts) {}

  @Serves('admin.hosts')
  async list(): Promise<ReplyOf<'admin.hosts'>> {
    await this.hosts.look();
    return { items: this.hosts.all.map(recordOf) };
  }
}

function recordOf(host: Host): HostRecord {
  const [view, info] = [host.view(), host.info.value];
  return {
    name: host.name,
    state: view.silent ? 'silent' : 'answering',
    ...(view.observedAt ? { observedAt: view.observedAt.toISOString() } : {}),
    ...(view.silent ? { reason: view.reason } : {}),
    ...info,
    warnings: info?.warnings ?? [],
  };
}
