import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { SiteClient } from '../site/site-client.js';
import { Clock } from '../ui/clock.js';
import { Language, type Key } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import { ContainerStore, pollEveryMs, type Ask } from './container-store.js';
import { RenameForm } from './rename.form.js';
import { shownState, whyNot } from './shown-state.js';
import { SnapshotList } from './snapshot-list.js';
import { StateNews } from './state-news.js';

const acts: readonly { ask: Ask; word: Key }[] = [
  { ask: 'start', word: 'containers.start' },
  { ask: 'stop', word: 'containers.stop' },
  { ask: 'restart', word: 'container.restart' },
  { ask: 'freeze', word: 'container.freeze' },
  { ask: 'thaw', word: 'container.thaw' },
  { ask: 'kill', word: 'container.kill' },
];

/** One container: how it is, what can be done with it, its kept states and its doors. */
@Component({
  selector: 'berth-container',
  imports: [ProblemNote, RenameForm, RouterLink, Skeleton, SnapshotList],
  providers: [ContainerStore, StateNews],
  templateUrl: './container.page.html',
})
export class ContainerPage {
  private readonly site = inject(SiteClient);
  private readonly clock = inject(Clock);
  protected readonly store = inject(ContainerStore);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  readonly id = input.required<string>();

  protected readonly detail = loaded(() => this.site.call('containers.detail', { params: { id: this.id() } }), {
    everyMs: pollEveryMs,
  });
  protected readonly container = computed(() => this.store.containers()?.find(({ id }) => id === this.id()));
  /** Told, and not among them: gone, or never this customer's. */
  protected readonly isMissing = computed(() => this.store.containers() !== undefined && !this.container());
  private readonly doubt = computed(() => ({
    isGone: false,
    staleSince: this.store.isStale() ? this.store.lastAnswer() : undefined,
    asked: this.container() && this.store.asked(this.container()!),
  }));
  protected readonly state = computed(() => {
    const container = this.container();
    return container && shownState(container, this.doubt());
  });
  protected readonly age = computed(() => {
    const { state, since } = this.state() ?? { state: 'unknown', since: '' };
    if (state === 'unknown') return this.t('state.unknownSince', { time: since ? this.shown.time(since) : '–' });
    return this.t('state.since', { age: this.shown.age(this.clock.now() - Date.parse(since)) });
  });
  protected readonly numbers = computed(() =>
    this.state()?.state === 'running' ? this.container()?.numbers : undefined,
  );
  protected readonly word = computed(() => this.t(`state.${this.state()?.state ?? 'unknown'}`));
  protected readonly health = computed((): Key | undefined => {
    const health = this.detail.value()?.health;
    return health && this.state()?.state === 'running' ? `container.${health}` : undefined;
  });
  protected readonly buttons = computed(() => {
    const container = this.container();
    if (!container) return [];
    return acts.map(({ ask, word }) => {
      const why = whyNot(ask === 'kill' ? 'stop' : ask, container, this.doubt());
      return { ask, word: this.t(word), why: why && this.t(why) };
    });
  });

  constructor() {
    inject(StateNews);
  }

  protected async act(ask: Ask, isOff: boolean): Promise<void> {
    if (!isOff && (await this.store.ask(this.id(), ask))) void this.detail.reload();
  }
}
