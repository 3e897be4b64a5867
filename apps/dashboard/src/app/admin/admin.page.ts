import { Component, inject } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Language } from '../ui/language.js';

@Component({
  selector: 'berth-admin',
  imports: [RouterLink, RouterLinkActive, RouterOutlet],
  template: `
    <nav class="tabs" [attr.aria-label]="t('admin.title')">
      <a routerLink="/admin/customers" routerLinkActive="here" ariaCurrentWhenActive="page">{{
        t('admin.customers')
      }}</a>
      <a routerLink="/admin/invoices" routerLinkActive="here" ariaCurrentWhenActive="page">{{ t('admin.invoices') }}</a>
      <a routerLink="/admin/templates" routerLinkActive="here" ariaCurrentWhenActive="page">{{
        t('admin.templates')
      }}</a>
      <a routerLink="/admin/hosts" routerLinkActive="here" ariaCurrentWhenActive="page">{{ t('admin.hosts') }}</a>
    </nav>
    <router-outlet />
  `,
})
export class AdminPage {
  protected readonly t = inject(Language).t;
}
