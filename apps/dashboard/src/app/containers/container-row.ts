import { Component, computed, inject, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import { isProblemKind } from '@berth/problem';
import type { Container } from '@berth/site-api';
import { Clock } from '../ui/clock.js';
import { Icon, type IconName } from '../ui/icon.js';
import { Language, type Key } from '../ui/language.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { ContainerStore } from './container-store.js';
import { shownState, whyNot } from './shown-state.js';

type RowAction = 'start' | 'stop' | 'trash';
const buttons: readonly { action: RowAction; icon: IconName; name: Key; hint: Key }[] = [
  { action: 'start', icon: 'start', name: 'containers.startIt', hint: 'containers.start' },
  { action: 'stop', icon: 'stop', name: 'containers.stopIt', hint: 'containers.stop' },
  { action: 'trash', icon: 'trash', name: 'containers.trashIt', hint: 'containers.trash' },
];

/** One container. Every tick changes its values; its elements stay the ones they were. */
@Component({
  selector: 'tr[berth-container-row]',
  imports: [Icon, ProblemNote, RouterLink],
  templateUrl: './container-row.html',
  host: { role: 'row', '[class.gone]': 'isGone()' },
})
export class ContainerRow {
  private readonly store = inject(ContainerStore);
  private readonly clock = inject(Clock);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;

  readonly container = input.required<Container>();
  readonly isGone = input(false);
  readonly trashed = output<Container>();
  readonly loginWanted = output<Container>();

  private readonly doubt = computed(() => ({
    isGone: this.isGone(),
    staleSince: this.store.isStale() ? this.store.lastAnswer() : undefined,
    asked: this.store.asked(this.container()),
  }));
  protected readonly state = computed(() => shownState(this.container(), this.doubt()));
  protected readonly word = computed(() => this.t(`state.${this.state().state}`));
  protected readonly age = computed(() => {
    const { state, since } = this.state();
    if (state === 'unknown') return this.t('state.unknownSince', { time: this.shown.time(since) });
    return this.t('state.since', { age: this.shown.age(this.clock.now() - Date.parse(since)) });
  });
  /** Numbers of a row that is not known to be on would be old news. */
  protected readonly numbers = computed(() =>
    this.state().state === 'running' ? this.container().numbers : undefined,
  );
  protected readonly cost = computed(() =>
    this.shown.money(this.container().costTodayNanos, this.store.currency(), 4, 4),
  );
  protected readonly refusal = computed(() => this.store.refusal(this.container().id));
  /** In the page's language, where it has a sentence for it. */
  protected readonly why = computed(() => {
    const { why } = this.container();
    return why && isProblemKind(why.kind) ? this.t(`refusal.${why.kind}`, why.blanks) : undefined;
  });
  protected readonly offersLogin = computed(() => this.container().loginWaiting && this.state().state === 'running');
  /** Where there is little room, the address goes without its scheme. */
  protected readonly link = computed(() => {
    const { url } = this.container();
    if (url === undefined) return undefined;
    const [scheme = ''] = /^\w+:\/\//.exec(url) ?? [];
    return { url, scheme, rest: url.slice(scheme.length) };
  });
  protected readonly isLinked = computed(() => this.state().state === 'running');
  protected readonly buttons = computed(() =>
    buttons.map(({ action, icon, name, hint }) => {
      const why = whyNot(action, this.container(), this.doubt());
      return {
        action,
        icon,
        name: this.t(name, { name: this.container().name }),
        hint: why ? this.t(why) : this.t(hint),
        isOff: why !== undefined,
      };
    }),
  );

  protected async act(action: RowAction, isOff: boolean): Promise<void> {
    if (isOff) return;
    const container = this.container();
    if ((await this.store.ask(container.id, action)) && action === 'trash') this.trashed.emit(container);
  }
}
