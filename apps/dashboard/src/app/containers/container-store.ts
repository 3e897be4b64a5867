import { computed, inject, Injectable, signal } from '@angular/core';
import type { BodyOf, Container } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Clock } from '../ui/clock.js';
import { poll } from '../ui/poll.js';
import { merged } from './merged.js';

export const pollEveryMs = 2000;
/** An answer older than two polling periods proves nothing any more. */
export const staleAfterMs = 2 * pollEveryMs;

export type Ask = 'start' | 'stop' | 'restart' | 'kill' | 'freeze' | 'thaw' | 'trash' | 'restore';

/** Provided by the page, so polling lives exactly as long as someone is looking. */
@Injectable()
export class ContainerStore {
  private readonly site = inject(SiteClient);
  private readonly clock = inject(Clock);
  private readonly list = signal<readonly Container[] | undefined>(undefined);
  private readonly trouble = signal<SiteProblem | undefined>(undefined);
  private readonly refusals = signal<ReadonlyMap<string, SiteProblem>>(new Map());
  private readonly asking = signal<ReadonlyMap<string, Ask>>(new Map());
  /** Server's time of the last good answer. */
  private readonly answeredAt = signal<string | undefined>(undefined);
  /** Answers that were asked for before the last action ended know nothing of it: they are not used. */
  private generation = 0;

  /** `undefined` until the first answer; then the last good one, for as long as it takes. */
  readonly containers = this.list.asReadonly();
  readonly currency = signal('EUR');
  readonly mayStart = signal(true);
  readonly problem = this.trouble.asReadonly();
  readonly lastAnswer = this.answeredAt.asReadonly();
  readonly ageMs = computed(() => {
    const at = this.answeredAt();
    return at === undefined ? 0 : Math.max(0, this.clock.now() - Date.parse(at));
  });
  readonly isStale = computed(() => this.ageMs() > staleAfterMs);

  readonly refresh = poll(() => this.read(), { everyMs: pollEveryMs });

  /** What was asked for here and not yet answered by site, or by site and not yet confirmed by the host. */
  asked(container: Container): Container['asked'] {
    return this.asking().get(container.id) ?? container.asked;
  }

  refusal(id: string): SiteProblem | undefined {
    return this.refusals().get(id);
  }

  /** @returns whether site took it; why not is then shown beside the row. */
  async ask(id: string, what: Ask): Promise<boolean> {
    if (this.asking().has(id)) return false;
    this.asking.update((all) => new Map(all).set(id, what));
    this.refusals.update((all) => without(all, id));
    try {
      this.put(await this.site.call(`containers.${what}`, { params: { id } }));
      return true;
    } catch (thrown) {
      this.refusals.update((all) => new Map(all).set(id, problemOf(thrown)));
      return false;
    } finally {
      this.generation += 1;
      this.asking.update((all) => without(all, id));
      void this.refresh();
    }
  }

  /** What a form was answered about a container. */
  learn(told: Container): void {
    this.generation += 1;
    this.put(told);
    void this.refresh();
  }

  /** @throws SiteProblem, for the form. */
  async add(body: BodyOf<'containers.create'>, idempotencyKey: string): Promise<Container> {
    const added = await this.site.call('containers.create', { body, idempotencyKey });
    this.learn(added);
    return added;
  }

  private put(told: Container): void {
    this.list.update((all = []) =>
      all.some(({ id }) => id === told.id) ? all.map((it) => (it.id === told.id ? told : it)) : [...all, told],
    );
  }

  private async read(): Promise<void> {
    const { generation } = this;
    const asked = performance.now();
    try {
      const { containers, mayStart, now, currency } = await this.site.call('containers.list');
      this.trouble.set(undefined);
      if (generation !== this.generation) return;
      this.clock.learn(now, performance.now() - asked);
      this.answeredAt.set(now);
      this.currency.set(currency);
      this.mayStart.set(mayStart);
      this.list.update((before) => merged(before, containers));
    } catch (thrown) {
      this.trouble.set(problemOf(thrown));
    }
  }
}

function without<V>(map: ReadonlyMap<string, V>, id: string): ReadonlyMap<string, V> {
  const rest = new Map(map);
  rest.delete(id);
  return rest;
}
