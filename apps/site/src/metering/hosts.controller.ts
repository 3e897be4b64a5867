import { Controller } from '@nestjs/common';
import type { Host as HostRecord, ReplyOf } from '@berth/site-api';
import { DataSource } from 'typeorm';
import type { Host } from '../containers/host.js';
import { Hosts } from '../containers/hosts.js';
import { Serves } from '../http/serves.js';
import { journalWarnings } from './journal-warnings.js';

type Warning = HostRecord['warnings'][number];

@Controller()
export class HostsController {
  constructor(
    private readonly hosts: Hosts,
    private readonly db: DataSource,
  ) {}

  @Serves('admin.hosts')
  async list(): Promise<ReplyOf<'admin.hosts'>> {
    const [ours] = await Promise.all([journalWarnings(this.db.manager), this.hosts.look()]);
    return { items: this.hosts.all.map((host) => recordOf(host, ours.get(host.name) ?? [])) };
  }
}

/** What the host says of itself, and what site found about its journal. */
function recordOf(host: Host, ours: readonly Warning[]): HostRecord {
  const [view, info] = [host.view(), host.info.value];
  return {
    name: host.name,
    state: view.silent ? 'silent' : 'answering',
    ...(view.observedAt ? { observedAt: view.observedAt.toISOString() } : {}),
    ...(view.silent ? { reason: view.reason } : {}),
    ...info,
    warnings: [...(info?.warnings ?? []), ...ours],
  };
}
