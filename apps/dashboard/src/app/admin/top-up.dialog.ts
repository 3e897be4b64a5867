import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, computed, inject, signal } from '@angular/core';
import { lineFault, longestReference, type CustomerSummary } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Language, type Key } from '../ui/language.js';
import { ProblemNote } from '../ui/problem-note.js';
import { typedNanos } from './amount.js';

export type ToppedUp = Readonly<{ nanos: bigint; isNew: boolean }>;

const referenceFaults: Readonly<Record<'empty' | 'long' | 'unreadable', Key>> = {
  empty: 'admin.referenceRule',
  long: 'admin.referenceTooLong',
  unreadable: 'admin.referenceUnreadable',
};

/** Books money that arrived. Closes with the amount once it is booked, now or before. */
@Component({
  selector: 'berth-top-up-dialog',
  imports: [Field, ProblemNote],
  template: `
    <h2 id="top-up-title">{{ t('admin.topUpTitle', { email: data.customer.email }) }}</h2>
    <form novalidate (submit)="submit($event)">
      <berth-field for="amount" [label]="t('admin.amount', { currency: data.currency })" [fault]="amountFault()">
        <input
          id="amount"
          inputmode="decimal"
          autocomplete="off"
          aria-describedby="amount-fault"
          [attr.aria-invalid]="!!amountFault()"
          (input)="amount.set(text($event))"
        />
      </berth-field>
      <berth-field
        for="reference"
        [label]="t('admin.reference')"
        [hint]="t('admin.referenceHint')"
        [fault]="referenceFault()"
      >
        <input
          id="reference"
          autocomplete="off"
          aria-describedby="reference-hint reference-fault"
          [attr.aria-invalid]="!!referenceFault()"
          (input)="reference.set(text($event))"
        />
      </berth-field>
      @if (problem(); as it) {
        <berth-problem-note [problem]="it" />
      }
      <div class="buttons">
        <button type="button" (click)="ref.close()">{{ t('add.cancel') }}</button>
        <button type="submit" class="main" [attr.aria-disabled]="busy()">{{ t('admin.book') }}</button>
      </div>
    </form>
  `,
})
export class TopUpDialog {
  private readonly site = inject(SiteClient);
  protected readonly ref = inject<DialogRef<ToppedUp>>(DialogRef);
  protected readonly data = inject<{ customer: CustomerSummary; currency: string }>(DIALOG_DATA);
  protected readonly t = inject(Language).t;
  protected readonly amount = signal('');
  protected readonly reference = signal('');
  protected readonly tried = signal(false);
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);
  protected readonly amountFault = computed(() =>
    (this.tried() && typedNanos(this.amount()) === undefined) || this.isRefused('nanos')
      ? this.t('admin.amountRule')
      : '',
  );
  protected readonly referenceFault = computed(() => {
    const fault = lineFault(this.reference(), longestReference);
    if (this.tried() && fault) return this.t(referenceFaults[fault]);
    return this.isRefused('reference') ? this.t('admin.referenceUnreadable') : '';
  });

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  private isRefused(field: string): boolean {
    return field in (this.problem()?.fields ?? {});
  }

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    this.tried.set(true);
    const nanos = typedNanos(this.amount());
    const reference = this.reference().trim();
    if (this.busy() || nanos === undefined || lineFault(reference, longestReference)) return;
    this.busy.set(true);
    try {
      const params = { id: this.data.customer.id };
      const { booked } = await this.site.call('admin.topUp', { params, body: { nanos, reference } });
      this.ref.close({ nanos, isNew: booked });
    } catch (thrown) {
      this.problem.set(problemOf(thrown));
    } finally {
      this.busy.set(false);
    }
  }
}
