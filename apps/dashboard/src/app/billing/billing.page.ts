import { Component, inject } from '@angular/core';
import { invoicePdfPath, SiteClient } from '../site/site-client.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';

@Component({
  selector: 'berth-billing',
  imports: [ProblemNote, Skeleton],
  template: `
    <h1>{{ t('billing.title') }}</h1>
    @if (billing.value() && billing.problem(); as problem) {
      <berth-problem-note [problem]="problem" />
    }
    @if (billing.value(); as it) {
      <dl class="sums">
        <div>
          <dt>{{ t('billing.balance') }}</dt>
          <dd>{{ shown.money(it.balanceNanos, it.currency) }}</dd>
        </div>
        <div>
          <dt>{{ t('billing.unbilled') }}</dt>
          <dd>{{ shown.money(it.unbilledNanos, it.currency, 4) }}</dd>
        </div>
        <div>
          <dt>{{ t('billing.left') }}</dt>
          <dd>{{ shown.money(it.leftNanos, it.currency) }}</dd>
        </div>
      </dl>
      <p class="soft">{{ t('billing.net') }}</p>
    } @else if (billing.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="billing.reload()" />
    } @else {
      <berth-skeleton />
    }
    <h2 id="invoices-title">{{ t('billing.invoices') }}</h2>
    @if (invoices.value(); as list) {
      @if (list.items.length === 0) {
        <p class="empty">{{ t('billing.none') }}</p>
      } @else {
        <table class="plain" aria-labelledby="invoices-title">
          <thead>
            <tr>
              <th scope="col">{{ t('billing.number') }}</th>
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
            }
          </tbody>
        </table>
      }
    } @else if (invoices.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="invoices.reload()" />
    } @else {
      <berth-skeleton />
    }
  `,
})
export class BillingPage {
  private readonly site = inject(SiteClient);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly pdf = invoicePdfPath;
  protected readonly billing = loaded(() => this.site.call('billing.get'), { everyMs: 5_000 });
  protected readonly invoices = loaded(() => this.site.call('invoices.list'), { everyMs: 30_000 });
}
