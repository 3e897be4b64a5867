import { Dialog } from '@angular/cdk/dialog';
import { Component, computed, inject, signal } from '@angular/core';
import type { CustomerSummary } from '@berth/site-api';
import { SessionStore } from '../session/session-store.js';
import { newKey } from '../site/idempotency-key.js';
import { SiteClient } from '../site/site-client.js';
import { isAnswered, problemOf, type SiteProblem } from '../site/site-problem.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { Messages } from '../ui/messages.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import { IssueDialog } from './issue.dialog.js';
import { TopUpDialog, type ToppedUp } from './top-up.dialog.js';

@Component({
  selector: 'berth-customers',
  imports: [ProblemNote, Skeleton],
  template: `
    <h1 id="customers-title">{{ t('admin.customers') }}</h1>
    @if (refusal(); as problem) {
      <berth-problem-note [problem]="problem" />
    }
    @if (customers.value(); as list) {
      <table class="plain" aria-labelledby="customers-title">
        <thead>
          <tr>
            <th scope="col">{{ t('admin.email') }}</th>
            <th scope="col">{{ t('admin.name') }}</th>
            <th scope="col">{{ t('admin.role') }}</th>
            <th scope="col" class="number">{{ t('admin.containers') }}</th>
            <th scope="col" class="number">{{ t('admin.balance') }}</th>
            <th scope="col" class="number">{{ t('admin.unbilled') }}</th>
            <th scope="col">{{ t('admin.actions') }}</th>
          </tr>
        </thead>
        <tbody>
          @for (it of list.items; track it.id) {
            <tr>
              <th scope="row" class="wraps">{{ it.email }}</th>
              <td [attr.data-label]="t('admin.name')">{{ it.name }}</td>
              <td [attr.data-label]="t('admin.role')">
                {{ t(it.role === 'admin' ? 'admin.roleAdmin' : 'admin.roleCustomer') }}
              </td>
              <td class="number" [attr.data-label]="t('admin.containers')">{{ it.containers }}</td>
              <td class="number" [attr.data-label]="t('admin.balance')">
                {{ shown.money(it.balanceNanos, currency()) }}
              </td>
              <td class="number" [attr.data-label]="t('admin.unbilled')">
                {{ shown.money(it.unbilledNanos, currency(), 4) }}
              </td>
              <td class="pack">
                <button type="button" [attr.aria-label]="t('admin.topUpIt', { email: it.email })" (click)="topUp(it)">
                  {{ t('admin.topUp') }}
                </button>
                <button
                  type="button"
                  [attr.aria-label]="t('admin.issueIt', { email: it.email })"
                  [attr.aria-disabled]="issuing() === it.id"
                  (click)="askToIssue(it)"
                >
                  {{ t('admin.issue') }}
                </button>
              </td>
            </tr>
          } @empty {
            <tr>
              <td colspan="7">{{ t('admin.noCustomers') }}</td>
            </tr>
          }
        </tbody>
      </table>
    } @else if (customers.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="customers.reload()" />
    } @else {
      <berth-skeleton />
    }
  `,
})
export class CustomersPage {
  private readonly site = inject(SiteClient);
  private readonly dialog = inject(Dialog);
  private readonly messages = inject(Messages);
  private readonly session = inject(SessionStore);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly currency = computed(() => this.session.session()?.currency ?? 'EUR');
  protected readonly customers = loaded(() => this.site.call('admin.customers'), { everyMs: 10_000 });
  protected readonly refusal = signal<SiteProblem | undefined>(undefined);
  protected readonly issuing = signal<string | undefined>(undefined);
  /** Of clicks that were never answered: the next one for that customer is the same one again. */
  private readonly unanswered = new Map<string, string>();

  protected topUp(customer: CustomerSummary): void {
    const opened = this.dialog.open<ToppedUp>(TopUpDialog, {
      ariaLabelledBy: 'top-up-title',
      data: { customer, currency: this.currency() },
      panelClass: 'panel',
    });
    opened.closed.subscribe((toppedUp) => {
      if (toppedUp === undefined) return;
      const amount = this.shown.money(toppedUp.nanos, this.currency());
      const words = toppedUp.isNew ? 'admin.booked' : 'admin.bookedBefore';
      this.messages.show({ text: this.t(words, { amount, email: customer.email }) });
      void this.customers.reload();
    });
  }

  protected askToIssue(customer: CustomerSummary): void {
    if (this.issuing()) return;
    const opened = this.dialog.open<boolean>(IssueDialog, {
      ariaLabelledBy: 'issue-title',
      data: customer,
      panelClass: 'panel',
    });
    opened.closed.subscribe((isAgreed) => isAgreed && void this.issue(customer));
  }

  private async issue({ id, email }: CustomerSummary): Promise<void> {
    this.issuing.set(id);
    this.refusal.set(undefined);
    const idempotencyKey = this.unanswered.get(id) ?? newKey();
    this.unanswered.set(id, idempotencyKey);
    try {
      const { invoice } = await this.site.call('admin.issueInvoice', { params: { id }, idempotencyKey });
      this.unanswered.delete(id);
      const text = invoice
        ? this.t('admin.issued', { number: invoice.number, email })
        : this.t('admin.nothingDue', { email });
      this.messages.show({ text });
      await this.customers.reload();
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (isAnswered(problem)) this.unanswered.delete(id);
      this.refusal.set(problem);
    } finally {
      this.issuing.set(undefined);
    }
  }
}
