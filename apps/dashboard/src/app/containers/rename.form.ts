import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import { nameFault } from '@berth/container';
import type { Container } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Language } from '../ui/language.js';
import { Messages } from '../ui/messages.js';
import { ProblemNote } from '../ui/problem-note.js';
import { ContainerStore } from './container-store.js';

/** Another name for a container. What is being typed survives every poll. */
@Component({
  selector: 'berth-rename-form',
  imports: [Field, ProblemNote],
  template: `
    <h2>{{ t('container.rename') }}</h2>
    <form class="narrow-form" novalidate (submit)="submit($event)">
      <berth-field for="new-name" [label]="t('containers.name')" [hint]="t('container.renameHint')" [fault]="fault()">
        <input
          id="new-name"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          aria-describedby="new-name-hint new-name-fault"
          [attr.aria-invalid]="!!fault()"
          [value]="name()"
          (input)="rename(text($event))"
        />
      </berth-field>
      @if (problem(); as it) {
        @if (it.kind !== 'name-taken') {
          <berth-problem-note [problem]="it" />
        }
      }
      <div>
        <button type="submit" [attr.aria-disabled]="busy()">{{ t('container.rename') }}</button>
      </div>
    </form>
  `,
})
export class RenameForm {
  private readonly site = inject(SiteClient);
  private readonly store = inject(ContainerStore);
  private readonly messages = inject(Messages);
  protected readonly t = inject(Language).t;
  readonly container = input.required<Container>();
  private readonly given = computed(() => this.container().name);
  protected readonly name = linkedSignal(() => this.given());
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);
  protected readonly fault = computed(() => {
    const fault = nameFault(this.name());
    if (fault) return this.t(`add.${fault}`);
    const { kind, blanks, fields } = this.problem() ?? {};
    return kind === 'name-taken' ? this.t('refusal.name-taken', blanks) : (fields?.['name'] ?? '');
  });

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  protected rename(name: string): void {
    this.problem.set(undefined);
    this.name.set(name);
  }

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    const name = this.name();
    if (this.busy() || nameFault(name) || name === this.given()) return;
    this.busy.set(true);
    this.problem.set(undefined);
    try {
      const params = { id: this.container().id };
      this.store.learn(await this.site.call('containers.rename', { params, body: { name } }));
      this.messages.show({ text: this.t('container.renamed', { name }) });
    } catch (thrown) {
      this.problem.set(problemOf(thrown));
    } finally {
      this.busy.set(false);
    }
  }
}
