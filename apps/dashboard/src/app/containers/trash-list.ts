import { Component, inject, input, output } from '@angular/core';
import type { Container } from '@berth/site-api';
import { Language } from '../ui/language.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { ContainerStore } from './container-store.js';
import { whyNot } from './shown-state.js';

/** What can still be taken back, from any browser. */
@Component({
  selector: 'berth-trash-list',
  imports: [ProblemNote],
  template: `
    <section aria-labelledby="trash-title" class="trash">
      <h2 id="trash-title">{{ t('containers.trashTitle') }}</h2>
      <p class="soft">{{ t('containers.trashText') }}</p>
      <table class="plain" [attr.aria-label]="t('containers.trashTitle')">
        <thead>
          <tr>
            <th scope="col">{{ t('containers.name') }}</th>
            <th scope="col">{{ t('containers.app') }}</th>
            <th scope="col">{{ t('containers.until') }}</th>
            <th scope="col" class="number">{{ t('containers.actions') }}</th>
          </tr>
        </thead>
        <tbody>
          @for (it of containers(); track it.id) {
            @let why = reason(it);
            <tr>
              <th scope="row">{{ it.name }}</th>
              <td [attr.data-label]="t('containers.app')">
                {{ it.app.title }} <span class="soft">{{ it.app.version }}</span>
              </td>
              <td [attr.data-label]="t('containers.until')">
                {{ it.trashedUntil ? shown.dateTime(it.trashedUntil) : '' }}
              </td>
              <td class="number">
                <button
                  type="button"
                  [attr.aria-label]="t('containers.restoreIt', { name: it.name })"
                  [attr.aria-disabled]="!!why"
                  [attr.title]="why ? t(why) : null"
                  (click)="why || restored.emit(it)"
                >
                  {{ t('containers.restore') }}
                </button>
                @if (store.refusal(it.id); as problem) {
                  <berth-problem-note [problem]="problem" />
                }
              </td>
            </tr>
          }
        </tbody>
      </table>
    </section>
  `,
})
export class TrashList {
  protected readonly store = inject(ContainerStore);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  readonly containers = input.required<readonly Container[]>();
  readonly restored = output<Container>();

  protected reason(container: Container) {
    return whyNot('restore', container, {
      isGone: false,
      staleSince: this.store.isStale() ? this.store.lastAnswer() : undefined,
      asked: this.store.asked(container),
    });
  }
}
