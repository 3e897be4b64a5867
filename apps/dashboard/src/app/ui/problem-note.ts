import { Component, inject, input, output } from '@angular/core';
import type { SiteProblem } from '../site/site-problem.js';
import { Language } from './language.js';

/** What could not be done, why, what to do, and the request id to quote; shown beside what caused it. */
@Component({
  selector: 'berth-problem-note',
  template: `
    @let it = problem();
    <div class="problem" role="alert">
      <p>
        <strong>{{ t(headline()) }}.</strong> {{ it.message }}
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
  protected readonly headline = () => `problem.${this.problem().code}` as const;
}
