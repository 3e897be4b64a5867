import { Component, inject } from '@angular/core';
import { invoicePdfPath, SiteClient } from '../site/site-client.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';

@Component({
  selector: 'berth-admin-invoices',
  imports: [ProblemNote, Skeleton],
  template: `
    <h1 id="all-invoices-title">{{ t('admin.invoices') }}</h1>
    @if (invoices.value(); as list) {
      <table class="plain" aria-labelledby="all-invoices-title">
        <thead>
          <tr>
            <th scope="col">{{ t('billing.number') }}</th>
            <th scope="col">{{ t('admin.customer') }}</th>
            <th scope="col">{{ t('billing.issued') }}</th>
            <th scope="col">{{ t('billing.period') }}</th>
            <th scope="col" class="number">{{ t('billing.gross') }}</th>
            <th scope="col">{{ t('billing.pdf') }}</th>
          </tr>
        </thead>
        <tbody>
          @for (it of list.items; track it.number) {
            <tr>
              <th scope="row">{{ it.number }}</th>
              <td class="wraps" [attr.data-label]="t('admin.customer')">{{ it.customer.email }}</td>
              <td [attr.data-label]="t('billing.issued')">{{ shown.date(it.issuedAt, it.timeZone) }}</td>
              <td [attr.data-label]="t('billing.period')">{{ shown.period(it) }}</td>
              <td class="number" [attr.data-label]="t('billing.gross')">
                {{ shown.money(it.grossNanos, it.currency) }}
              </td>
              <td>
                <a
                  [href]="pdf(it.number)"
                  target="_blank"
                  rel="noopener"
                  [attr.aria-label]="t('billing.pdfOf', { number: it.number })"
                  >PDF</a
                >
              </td>
            </tr>
          } @empty {
            <tr>
              <td colspan="6">{{ t('admin.noInvoices') }}</td>
            </tr>
          }
        </tbody>
      </table>
    } @else if (invoices.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="invoices.reload()" />
    } @else {
      <berth-skeleton />
    }
  `,
})
export class AdminInvoicesPage {
  private readonly site = inject(SiteClient);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly pdf = invoicePdfPath;
  protected readonly invoices = loaded(() => this.site.call('admin.invoices'), { everyMs: 30_000 });
}
