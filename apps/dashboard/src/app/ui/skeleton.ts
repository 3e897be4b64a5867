import { Component, inject } from '@angular/core';
import { Language } from './language.js';

/** The shape of a list that is on its way. */
@Component({
  selector: 'berth-skeleton',
  template: `
    <p class="hidden-text" role="status">{{ t('containers.loading') }}</p>
    @for (line of [1, 2, 3, 4]; track line) {
      <div class="bone" aria-hidden="true"></div>
    }
  `,
})
export class Skeleton {
  protected readonly t = inject(Language).t;
}
