import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { collect } from './collector.js';
import type { Journal } from './journal.js';

/** The journals of every configured host. Filled by whoever has the hosts' clients. */
export abstract class Journals {
  abstract all(): readonly Journal[];
}

/** How long a host may take to tell what it has, before whoever waits goes on without it. */
const patienceMs = 5_000;

@Injectable()
export class Collection {
  constructor(
    private readonly db: DataSource,
    private readonly journals: Journals,
  ) {}

  /** Has these hosts sample now, and fetches it. Answers which of them were silent. */
  async upToNow(hosts: readonly string[]): Promise<string[]> {
    const asked = this.journals.all().filter(({ host }) => hosts.includes(host));
    const answers = await Promise.allSettled(
      asked.map((journal) => collect(this.db, journal, { cut: true, signal: AbortSignal.timeout(patienceMs) })),
    );
    const known = asked.filter((_, at) => answers[at]?.status === 'fulfilled').map(({ host }) => host);
    return hosts.filter((host) => !known.includes(host));
  }
}
