import { Dialog } from '@angular/cdk/dialog';
import { Component, computed, inject, input, output, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { nameFault } from '@berth/container';
import type { Container, ContainerSnapshot } from '@berth/site-api';
import { newKey } from '../site/idempotency-key.js';
import { SiteClient } from '../site/site-client.js';
import { isAnswered, problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Language } from '../ui/language.js';
import { Messages } from '../ui/messages.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { TypedDialog, type Question } from '../ui/typed.dialog.js';

/** The kept states of a container: keep one, put one back, remove one. */
@Component({
  selector: 'berth-snapshot-list',
  imports: [Field, ProblemNote],
  template: `
    <h2 id="snapshots-title">{{ t('container.snapshots') }}</h2>
    <p class="soft">{{ t('container.snapshotsText') }}</p>
    @if (snapshots(); as all) {
      @if (all.length > 0) {
        <table class="plain" aria-labelledby="snapshots-title">
          <thead>
            <tr>
              <th scope="col">{{ t('containers.name') }}</th>
              <th scope="col">{{ t('container.kept') }}</th>
              <th scope="col" class="number">{{ t('container.size') }}</th>
              <th scope="col" class="number">{{ t('containers.actions') }}</th>
            </tr>
          </thead>
          <tbody>
            @for (it of all; track it.id) {
              <tr>
                <th scope="row" class="wraps">{{ nameOf(it) }}</th>
                <td [attr.data-label]="t('container.kept')">{{ shown.dateTime(it.createdAt) }}</td>
                <td class="number" [attr.data-label]="t('container.size')">
                  @if (it.state === 'kept') {
                    {{ it.sizeBytes === undefined ? '–' : shown.bytes(it.sizeBytes) }}
                  } @else {
                    {{ t(stateWord(it.state)) }}
                  }
                  @if (it.reason) {
                    <span class="small" lang="en">{{ it.reason }}</span>
                  }
                </td>
                <td class="number pack">
                  <button
                    type="button"
                    [attr.aria-disabled]="!canRestore() || it.state !== 'kept'"
                    [attr.title]="canRestore() ? null : t('container.restoreWhy')"
                    [attr.aria-label]="t('container.restoreIt', { name: nameOf(it) })"
                    (click)="restore(it)"
                  >
                    {{ t('containers.restore') }}
                  </button>
                  <button
                    type="button"
                    [attr.aria-label]="t('container.removeIt', { name: nameOf(it) })"
                    (click)="remove(it)"
                  >
                    {{ t('container.remove') }}
                  </button>
                </td>
              </tr>
            }
          </tbody>
        </table>
      } @else {
        <p>{{ t('container.noSnapshots') }}</p>
      }
    }
    <form class="narrow-form" novalidate (submit)="keep($event)">
      <berth-field
        for="snapshot-name"
        [label]="t('container.snapshotName')"
        [hint]="t('add.nameHint')"
        [fault]="fault()"
      >
        <input
          id="snapshot-name"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          aria-describedby="snapshot-name-hint snapshot-name-fault"
          [attr.aria-invalid]="!!fault()"
          [value]="name()"
          (input)="name.set(text($event))"
        />
      </berth-field>
      @if (problem(); as it) {
        <berth-problem-note [problem]="it" />
      }
      <div>
        <button type="submit" [attr.aria-disabled]="busy()">{{ t('container.keep') }}</button>
      </div>
    </form>
  `,
})
export class SnapshotList {
  private readonly site = inject(SiteClient);
  private readonly dialog = inject(Dialog);
  private readonly messages = inject(Messages);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  readonly container = input.required<Container>();
  /** Absent while the host is silent. */
  readonly snapshots = input<readonly ContainerSnapshot[] | undefined>();
  readonly canRestore = input.required<boolean>();
  readonly changed = output();
  protected readonly name = signal('');
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);
  protected readonly fault = computed(() => {
    const fault = this.name() === '' ? undefined : nameFault(this.name());
    return fault ? this.t(`add.${fault}`) : '';
  });
  /** Of a click that was never answered: the next one is the same one again. */
  private key = newKey();

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;
  protected readonly stateWord = (state: ContainerSnapshot['state']) => `container.${state}` as const;
  protected readonly nameOf = ({ name, id }: ContainerSnapshot): string => name ?? id.slice(0, 8);

  protected async keep(event: Event): Promise<void> {
    event.preventDefault();
    if (this.fault()) return;
    const [params, name] = [{ id: this.container().id }, this.name()];
    await this.asking(async () => {
      await this.site.call('containers.snapshot', { params, body: name ? { name } : {}, idempotencyKey: this.key });
      this.key = newKey();
      this.name.set('');
    });
  }

  protected async restore(snapshot: ContainerSnapshot): Promise<void> {
    if (!this.canRestore() || snapshot.state !== 'kept') return;
    const [name, word] = [this.container().name, this.nameOf(snapshot)];
    const words = { name, snapshot: word };
    const title = this.t('container.restoreTitle', words);
    const question = {
      title,
      text: this.t('container.restoreText', words),
      word: name,
      act: this.t('containers.restore'),
    };
    if (!(await this.isAgreed(question))) return;
    await this.asking(async () => {
      const params = { id: this.container().id, snapshot: snapshot.id };
      await this.site.call('containers.restoreSnapshot', { params });
      this.messages.show({ text: this.t('container.restored', words) });
    });
  }

  protected async remove(snapshot: ContainerSnapshot): Promise<void> {
    const word = this.nameOf(snapshot);
    const title = this.t('container.removeTitle', { snapshot: word });
    const question = { title, text: this.t('container.removeText'), word, act: this.t('container.remove') };
    if (!(await this.isAgreed(question))) return;
    await this.asking(() =>
      this.site.call('containers.removeSnapshot', { params: { id: this.container().id, snapshot: snapshot.id } }),
    );
  }

  private async isAgreed(data: Question): Promise<boolean> {
    const opened = this.dialog.open<boolean>(TypedDialog, { ariaLabelledBy: 'typed-title', data, panelClass: 'panel' });
    return (await firstValueFrom(opened.closed)) === true;
  }

  private async asking(act: () => Promise<unknown>): Promise<void> {
    if (this.busy()) return;
    this.busy.set(true);
    this.problem.set(undefined);
    try {
      await act();
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (isAnswered(problem)) this.key = newKey();
      this.problem.set(problem);
    } finally {
      this.busy.set(false);
      this.changed.emit();
    }
  }
}
