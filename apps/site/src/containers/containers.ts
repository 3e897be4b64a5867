import { Inject, Injectable } from '@nestjs/common';
import { mustBeName } from '@berth/container';
import { Problem } from '@berth/problem';
import type { BodyOf, Container, Login } from '@berth/site-api';
import type { Config } from '../config.js';
import { InvalidFields } from '../http/invalid-fields.js';
import { CONFIG } from '../http/tokens.js';
import { sizeOf, tariffTag } from '../pricing/tariff.js';
import { Asked, type Ask } from './asked.js';
import { Hosts } from './hosts.js';
import { Leases, type Lease, type NewLease } from './leases.js';
import { Logins } from './logins.js';
import { isFinal, Placing } from './placing.js';
import { rowOf } from './row.js';
import { Terms } from './terms.js';

/** What customers do with their containers. Records come before acts: a lease is written, then the host is told. */
@Injectable()
export class Containers {
  private readonly asked = new Asked();

  constructor(
    private readonly leases: Leases,
    private readonly hosts: Hosts,
    private readonly placing: Placing,
    private readonly terms: Terms,
    private readonly logins: Logins,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async list(customerId: string): Promise<Container[]> {
    const [leases] = await Promise.all([this.leases.of(customerId), this.hosts.look()]);
    void this.placing.settle(leases); // it reports its own failures, and the next poll shows what it did
    return this.rows(leases.filter((lease) => !this.isGone(lease)));
  }

  async get(customerId: string, id: string): Promise<Container> {
    const [lease] = await Promise.all([this.leases.mustGet(id, customerId), this.hosts.look()]);
    return this.row(lease);
  }

  /** @throws InvalidFields · Problem `conflict`, `unavailable` */
  async create(customerId: string, order: BodyOf<'containers.create'>, key: string): Promise<Container> {
    const terms = this.termsOf(order);
    const before = await this.leases.replayed(customerId, key, order);
    if (before) return this.row(before);
    await this.hosts.look();
    const host = this.placing.choose(order.app, order.version);
    const { lease, isNew } = await this.leases.add({ customerId, host, ...terms }, key, order);
    if (isNew) await this.bring(lease);
    return this.get(customerId, lease.id);
  }

  async mayStart(customerId: string): Promise<boolean> {
    return (await this.terms.mayRun([customerId])).has(customerId);
  }

  /** @throws Problem `forbidden` where nothing is left to pay with. */
  async start(customerId: string, id: string): Promise<Container> {
    const lease = await this.leases.mustGet(id, customerId);
    if (!(await this.mayStart(customerId)))
      throw new Problem('forbidden', `cannot start ${lease.name}: there is no credit left; top up your balance first`, {
        kind: 'credit-used-up',
        blanks: { name: lease.name },
      });
    return this.act(lease, 'start');
  }

  async stop(customerId: string, id: string): Promise<Container> {
    return this.act(await this.leases.mustGet(id, customerId), 'stop');
  }

  /** What changes how it runs, and costs nothing that it did not cost before. */
  async change(customerId: string, id: string, ask: 'restart' | 'kill' | 'freeze' | 'thaw'): Promise<Container> {
    return this.act(await this.leases.mustGet(id, customerId), ask);
  }

  /** @throws InvalidFields for a name that is none or is taken. */
  async rename(customerId: string, id: string, name: string): Promise<Container> {
    const lease = await this.leases.mustGet(id, customerId);
    const named = field('name', () => mustBeName(name));
    const host = this.hosts.mustGet(lease.host);
    await this.leases.rename(lease, named);
    try {
      const { container } = await host.acts['containers.rename']({ id, name: named });
      host.learn(container);
    } catch (error) {
      // Without an answer the host hears of it again with the next poll.
      if (isFinal(error)) await this.leases.rename({ ...lease, name: named }, lease.name);
      throw error instanceof Problem ? inOurWords('rename', lease, error) : error;
    }
    return this.get(customerId, id);
  }

  async trash(customerId: string, id: string): Promise<Container> {
    const lease = await this.leases.mustGet(id, customerId);
    if (lease.refusal === null) return this.act(lease, 'trash').catch((error: unknown) => this.letGo(lease, error));
    await this.leases.ended(id); // no host ever took it, so nothing is lost
    return this.row(lease);
  }

  /** What its host no longer knows is in nobody's trash: who throws it away is rid of it. Nobody else decides that. */
  private async letGo(lease: Lease, error: unknown): Promise<Container> {
    if (!(error instanceof Problem) || error.kind !== 'host-lost-it') throw error;
    await this.leases.ended(lease.id);
    return this.row(lease);
  }

  async restore(customerId: string, id: string): Promise<Container> {
    return this.act(await this.leases.mustGet(id, customerId), 'restore');
  }

  async login(customerId: string, id: string): Promise<Login> {
    const lease = await this.leases.mustGet(id, customerId);
    if (lease.loginPutAwayAt !== null)
      throw new Problem('conflict', `cannot show the login of ${lease.name}: it was put away`, {
        kind: 'login-put-away',
        blanks: { name: lease.name },
      });
    const host = this.hosts.mustGet(lease.host);
    const login = await this.logins.read(host, lease.id);
    const url = host.container(lease.id)?.url;
    return { ...login, ...(url === undefined ? {} : { url }) };
  }

  async forgetLogin(customerId: string, id: string): Promise<void> {
    const lease = await this.leases.mustGet(id, customerId);
    await this.logins.remove(this.hosts.mustGet(lease.host), lease.id);
    await this.leases.loginPutAway(lease.id);
  }

  /** For the job that looks after leases while nobody polls. */
  async settleAll(): Promise<void> {
    const [leases] = await Promise.all([this.leases.all(), this.hosts.look()]);
    await this.placing.settle(leases);
  }

  private termsOf({ app, version, name, size }: BodyOf<'containers.create'>): Omit<NewLease, 'customerId' | 'host'> {
    const { tariff } = this.config;
    const named = field('name', () => mustBeName(name));
    const { memoryBytes, cpuMillis, pids } = field('size', () => sizeOf(tariff, size));
    return { app, version, name: named, size, memoryBytes, cpuMillis, pids, tariffTag: tariffTag(tariff, size) };
  }

  /** A host that stays silent gets the lease later; a host that refuses ends it, and its reason is the customer's. */
  private async bring(lease: Lease): Promise<void> {
    try {
      await this.placing.send(lease);
    } catch (error) {
      if (error instanceof Problem && !isFinal(error)) return;
      await this.leases.ended(lease.id);
      throw error;
    }
  }

  private async act(lease: Lease, ask: Ask): Promise<Container> {
    const { id, name } = lease;
    if (lease.refusal !== null)
      throw new Problem('conflict', `cannot ${ask} ${name}: ${lease.refusal}`, {
        kind: `cannot-${ask}-now`,
        blanks: { name },
      });
    if (lease.placedAt === null)
      throw new Problem('conflict', `cannot ${ask} ${name}: it is still being created`, {
        kind: 'being-created',
        blanks: { name },
      });
    const host = this.hosts.mustGet(lease.host);
    this.asked.begin(id, ask);
    try {
      const { container } = await host.acts[`containers.${ask}`]({ id });
      host.learn(container);
      if (ask === 'trash' || ask === 'restore') await this.leases.trashed(id, container.trashedUntil ?? null);
    } catch (error) {
      // Without an answer nobody knows whether it was done: it stays asked for, until the host says or the deadline passes.
      if (!(error instanceof Problem) || error.code !== 'unavailable') this.asked.end(id);
      throw error instanceof Problem ? inOurWords(ask, lease, error) : error;
    }
    if (host.view().silent) await host.look(); // it has just answered, though nobody polled it
    return this.row(lease);
  }

  private async row(lease: Lease): Promise<Container> {
    const [row] = await this.rows([lease]);
    if (!row) throw new Problem('internal', `cannot tell about ${lease.id}: it has no row`);
    return row;
  }

  private async rows(leases: readonly Lease[]): Promise<Container[]> {
    const costs = await this.terms.costToday(leases.map(({ id }) => id));
    const templates = this.hosts.templates();
    return leases.map((lease) => {
      const host = this.hosts.get(lease.host);
      const container = host?.container(lease.id);
      const template = templates.get(`${lease.app}:${lease.version}`) ?? host?.template(lease.app, lease.version);
      const view = host?.view();
      const asked = this.asked.of(lease.id, view?.silent === false ? container?.state : undefined);
      return rowOf({
        lease,
        ...(view ? { host: view } : {}),
        ...(container ? { container } : {}),
        ...(template ? { template } : {}),
        ...(asked ? { asked } : {}),
        costTodayNanos: costs.get(lease.id) ?? 0n,
        hourNanos: this.terms.hourNanos(lease.tariffTag),
      });
    });
  }

  /** Out of the trash's time and no longer at its host: not shown, while the host's word on it is fetched. */
  private isGone(lease: Lease): boolean {
    const host = this.hosts.get(lease.host);
    const isOver = lease.trashedUntil !== null && lease.trashedUntil.getTime() <= Date.now();
    return isOver && host !== undefined && !host.view().silent && !host.container(lease.id);
  }
}

/** A refusal of one field, so that the form can point at it. */
export function field<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid')
      throw new InvalidFields(error.message, { [name]: error.message });
    throw error;
  }
}

/** Where the row was older than the host, or the host has lost it: what con says stays the detail, and the page has a sentence. */
export function inOurWords(ask: Ask | 'rename' | 'snapshot', { name, host }: Lease, cause: Problem): Problem {
  if (cause.code === 'conflict')
    return new Problem('conflict', cause.message, { cause, kind: `cannot-${ask}-now`, blanks: { name } });
  if (cause.code === 'not_found')
    return new Problem('conflict', `cannot ${ask} ${name}: host ${host} no longer knows it; ask the operator`, {
      cause,
      kind: 'host-lost-it',
      blanks: { host },
    });
  return cause;
}
