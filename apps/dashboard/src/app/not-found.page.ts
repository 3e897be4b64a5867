import { Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Language } from './ui/language.js';

@Component({
  selector: 'berth-not-found',
  imports: [RouterLink],
  template: `
    <h1>{{ t('shell.notFound') }}</h1>
    <p>{{ t('shell.notFoundText') }}</p>
    <a routerLink="/">{{ t('shell.home') }}</a>
  `,
})
export class NotFoundPage {
  protected readonly t = inject(Language).t;
}
