import { Dialog } from '@angular/cdk/dialog';
import {
  Component,
  computed,
  ElementRef,
  effect,
  inject,
  linkedSignal,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Container } from '@berth/site-api';
import { Icon } from '../ui/icon.js';
import { Language, type Key } from '../ui/language.js';
import { Messages } from '../ui/messages.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import { AddDialog } from './add.dialog.js';
import { ContainerRow } from './container-row.js';
import { ContainerStore } from './container-store.js';
import { LoginDialog } from './login.dialog.js';
import { placed, type Placed, type Sort, type SortKey } from './steady-order.js';
import { StateNews } from './state-news.js';
import { TrashList } from './trash-list.js';

const columns: readonly { key: SortKey | undefined; word: Key; class: string }[] = [
  { key: 'state', word: 'containers.state', class: 'state' },
  { key: 'name', word: 'containers.name', class: 'name' },
  { key: 'app', word: 'containers.app', class: 'app' },
  { key: undefined, word: 'containers.url', class: 'url' },
  { key: 'cpu', word: 'containers.cpu', class: 'cpu number' },
  { key: 'memory', word: 'containers.memory', class: 'memory number' },
  { key: 'cost', word: 'containers.cost', class: 'cost number' },
  { key: undefined, word: 'containers.actions', class: 'actions' },
];

const sortKeys: readonly { key: SortKey; word: Key }[] = [
  { key: 'createdAt', word: 'containers.createdAt' },
  ...columns.flatMap(({ key, word }) => (key ? [{ key, word }] : [])),
];

/** The home page: a row a container. */
@Component({
  selector: 'berth-containers',
  imports: [ContainerRow, Icon, ProblemNote, RouterLink, Skeleton, TrashList],
  providers: [ContainerStore, StateNews],
  templateUrl: './containers.page.html',
})
export class ContainersPage {
  protected readonly store = inject(ContainerStore);
  private readonly dialog = inject(Dialog);
  private readonly messages = inject(Messages);
  private readonly page = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly columns = columns;
  protected readonly sortKeys = sortKeys;
  private readonly heading = viewChild.required<ElementRef<HTMLElement>>('heading');
  private readonly rows = viewChild<ElementRef<HTMLElement>>('rows');

  protected readonly sort = signal<Sort>({ key: 'createdAt', descending: true });
  private readonly isUnderHand = signal(false);
  private readonly hasFocus = signal(false);

  private readonly live = computed(() => (this.store.containers() ?? []).filter(({ trashedUntil }) => !trashedUntil));
  private readonly latest = computed(() => ({
    isHeld: this.isUnderHand() || this.hasFocus(),
    sort: this.sort(),
    all: this.store.containers() ?? [],
  }));
  protected readonly placed = linkedSignal<ReturnType<typeof this.latest>, readonly Placed[]>({
    source: () => this.latest(),
    computation: ({ isHeld, sort, all }, previous) =>
      placed(previous?.value ?? [], all, sort, isHeld && previous?.source.sort === sort),
  });
  protected readonly trashed = computed(() =>
    (this.store.containers() ?? []).filter(({ trashedUntil }) => trashedUntil),
  );
  protected readonly count = computed(() => {
    const count = this.live().length;
    return count === 1 ? this.t('containers.countOne') : this.t('containers.count', { count });
  });

  constructor() {
    inject(StateNews);
    effect(() => {
      this.placed();
      untracked(() => this.keepFocusOnThePage());
    });
  }

  protected hand(isOver: boolean): void {
    this.isUnderHand.set(isOver);
  }

  protected focus(isIn: boolean, event: FocusEvent): void {
    const next = isIn ? event.target : event.relatedTarget;
    this.hasFocus.set(
      next instanceof Element && !!this.rows()?.nativeElement.contains(next) && next.matches(':focus-visible'),
    );
  }

  protected sortBy(key: SortKey): void {
    this.sort.update((sort) => ({ key, descending: sort.key === key ? !sort.descending : false }));
  }

  protected sortAs({ target }: Event): void {
    const chosen = sortKeys.find(({ key }) => key === (target as HTMLSelectElement).value);
    // The newest is looked for first; of all else the smallest.
    if (chosen) this.sort.set({ key: chosen.key, descending: chosen.key === 'createdAt' });
  }

  protected turn(): void {
    this.sort.update(({ key, descending }) => ({ key, descending: !descending }));
  }

  protected turned(): Key {
    return this.sort().descending ? 'containers.sortUp' : 'containers.sortDown';
  }

  protected ariaSort(key: SortKey | undefined): string | null {
    if (key === undefined || this.sort().key !== key) return null;
    return this.sort().descending ? 'descending' : 'ascending';
  }

  protected add(): void {
    const opened = this.dialog.open<Container>(AddDialog, {
      ariaLabelledBy: 'add-title',
      data: { store: this.store },
      panelClass: 'panel',
    });
    opened.closed.subscribe(
      (added) => added && this.messages.show({ text: this.t('containers.added', { name: added.name }) }),
    );
  }

  protected showLogin(container: Container): void {
    this.dialog.open(LoginDialog, {
      ariaLabelledBy: 'login-title',
      data: { container, refresh: this.store.refresh },
      panelClass: 'panel',
    });
  }

  protected sayTrashed({ id, name }: Container): void {
    // What no host has, or none ever took, is in no trash from which it could be taken back.
    if (this.store.containers()?.find((it) => it.id === id)?.state === 'failed')
      return this.messages.show({ text: this.t('containers.removed', { name }) });
    this.messages.show({
      text: this.t('containers.trashed', { name }),
      action: { label: this.t('containers.undo'), run: () => void this.restore(id, name) },
    });
  }

  protected async restore(id: string, name: string): Promise<void> {
    if (await this.store.ask(id, 'restore')) this.messages.show({ text: this.t('containers.restored', { name }) });
    else this.messages.show({ text: this.why(id) }); // Undo may be chosen where its row is not shown
  }

  private why(id: string): string {
    const { code, kind, blanks } = this.store.refusal(id) ?? {};
    const headline = this.t(`problem.${code ?? 'internal'}`);
    return kind ? `${headline}. ${this.t(`refusal.${kind}`, blanks)}` : headline;
  }

  /** A row that is moved loses focus and gets it back; where what has it leaves, the heading takes it. */
  private keepFocusOnThePage(): void {
    const focused = document.activeElement;
    if (!(focused instanceof HTMLElement) || !this.page.contains(focused)) return;
    queueMicrotask(() =>
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        const next = focused.isConnected ? focused : this.heading().nativeElement;
        next.focus({ preventScroll: focused.isConnected });
      }),
    );
  }
}
