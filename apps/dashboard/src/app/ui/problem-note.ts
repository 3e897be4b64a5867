import { Component, inject, input, output } from '@angular/core';
import type { ProblemKind } from '@berth/problem';
import type { SiteProblem } from '../site/site-problem.js';
import { Language } from './language.js';

/**
 * What could not be done, why, what to do, and the request id to quote; shown beside what caused it. What has no sentence
 * in the catalogue is a host's own word, in English.
 */
@Component({
  selector: 'berth-problem-note',
  template: `
    @let it = problem();
    <div class="problem" role="alert">
      <p>
        <strong>{{ t(headline()) }}.</strong>&ngsp;
        @if (it.kind; as kind) {
          {{ t(sentence(kind), it.blanks) }}
        } @else {
          <span lang="en">{{ it.message }}</span>
        }
      </p>
      @if (it.requestId; as id) {
        <p class="small">{{ t('problem.request', { id }) }}</p>
      }
      @if (canRetry()) {
        <button type="button" (click)="retry.emit()">{{ t('problem.retry') }}</button>
      }
    </div>
  `,
})
export class ProblemNote {
  readonly problem = input.required<SiteProblem>();
  readonly canRetry = input(false);
  readonly retry = output();
  protected readonly t = inject(Language).t;
  protected readonly sentence = (kind: ProblemKind) => `refusal.${kind}` as const;
  protected readonly headline = () => `problem.${this.problem().code}` as const;
}
