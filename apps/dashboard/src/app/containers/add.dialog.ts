import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, computed, inject, linkedSignal, signal } from '@angular/core';
import { nameFault } from '@berth/container';
import type { App, Container } from '@berth/site-api';
import { newKey } from '../site/idempotency-key.js';
import { SiteClient } from '../site/site-client.js';
import { isAnswered, problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Icon } from '../ui/icon.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import type { ContainerStore } from './container-store.js';

/** App, version, name, size; every price stands beside its choice before anything can cost. */
@Component({
  selector: 'berth-add-dialog',
  imports: [Field, Icon, ProblemNote, Skeleton],
  templateUrl: './add.dialog.html',
})
export class AddDialog {
  private readonly site = inject(SiteClient);
  private readonly store = inject<{ store: ContainerStore }>(DIALOG_DATA).store;
  protected readonly language = inject(Language);
  protected readonly shown = inject(Shown);
  protected readonly ref = inject<DialogRef<Container>>(DialogRef);
  protected readonly t = this.language.t;
  protected readonly catalogue = loaded(() => this.site.call('catalogue.get'));

  protected readonly app = linkedSignal<App | undefined>(() => this.catalogue.value()?.apps[0]);
  protected readonly version = linkedSignal(() => this.app()?.versions[0] ?? '');
  protected readonly name = linkedSignal(() => this.catalogue.value()?.suggestedName ?? '');
  protected readonly sizeId = linkedSignal(
    () => this.app()?.suggestedSize ?? this.catalogue.value()?.sizes[0]?.id ?? '',
  );
  protected readonly size = computed(() => this.catalogue.value()?.sizes.find(({ id }) => id === this.sizeId()));
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);
  /** One for each form: an Add that is sent twice is still one container. */
  private idempotencyKey = newKey();

  protected readonly nameWrong = computed(() => {
    const fault = nameFault(this.name());
    if (fault) return this.t(`add.${fault}`);
    const { kind, blanks, fields } = this.problem() ?? {};
    return kind === 'name-taken' ? this.t('refusal.name-taken', blanks) : (fields?.['name'] ?? '');
  });

  protected readonly priceWords = {
    cpu: 'add.perCpu',
    memory: 'add.perMemory',
    disk: 'add.perDisk',
    traffic: 'add.perTraffic',
  } as const;

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  /** A name that nobody touched follows the app: `fair-django` becomes `fair-nginx`. */
  protected choose(app: App): void {
    const before = this.app()?.name ?? '';
    this.app.set(app);
    const suggested = this.catalogue.value()?.suggestedName ?? '';
    const adjective = suggested.slice(0, suggested.indexOf('-') + 1);
    if (adjective && this.name() === `${adjective}${before}`) this.rename(`${adjective}${app.name}`);
  }

  protected rename(name: string): void {
    this.problem.set(undefined);
    this.name.set(name);
  }

  protected money(nanos: bigint, digits: number): string {
    return this.shown.money(nanos, this.catalogue.value()?.tariff.currency ?? 'EUR', digits);
  }

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    const app = this.app();
    if (this.busy() || !app || nameFault(this.name())) return;
    this.busy.set(true);
    this.problem.set(undefined);
    const order = { app: app.name, version: this.version(), name: this.name(), size: this.sizeId() };
    try {
      this.ref.close(await this.store.add(order, this.idempotencyKey));
    } catch (thrown) {
      this.refuse(problemOf(thrown));
    } finally {
      this.busy.set(false);
    }
  }

  /** A refused order was not made: the next one may differ, and needs a key of its own. An unanswered one may have been. */
  private refuse(problem: SiteProblem): void {
    this.problem.set(problem);
    if (isAnswered(problem)) this.idempotencyKey = newKey();
  }
}
