import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, computed, inject, signal } from '@angular/core';
import type { CustomerSummary } from '@berth/site-api';
import { Field } from '../ui/field.js';
import { Language } from '../ui/language.js';

/** An invoice cannot be undone: whoever issues one types for whom. Closes with true once that was done. */
@Component({
  selector: 'berth-issue-dialog',
  imports: [Field],
  template: `
    <h2 id="issue-title">{{ t('admin.issueTitle', { email: customer.email }) }}</h2>
    <p>{{ t('admin.issueText') }}</p>
    <form novalidate (submit)="submit($event)">
      <berth-field for="typed" [label]="t('admin.issueType', { email: customer.email })" [fault]="fault()">
        <input
          id="typed"
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          aria-describedby="typed-fault"
          [attr.aria-invalid]="!!fault()"
          (input)="typed.set(text($event))"
        />
      </berth-field>
      <div class="buttons">
        <button type="button" (click)="ref.close()">{{ t('add.cancel') }}</button>
        <button type="submit" class="main">{{ t('admin.issue') }}</button>
      </div>
    </form>
  `,
})
export class IssueDialog {
  protected readonly ref = inject<DialogRef<boolean>>(DialogRef);
  protected readonly customer = inject<CustomerSummary>(DIALOG_DATA);
  protected readonly t = inject(Language).t;
  protected readonly typed = signal('');
  protected readonly tried = signal(false);
  private readonly isRight = computed(() => this.typed().trim().toLowerCase() === this.customer.email.toLowerCase());
  protected readonly fault = computed(() => (this.tried() && !this.isRight() ? this.t('admin.issueRule') : ''));

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  protected submit(event: Event): void {
    event.preventDefault();
    this.tried.set(true);
    if (this.isRight()) this.ref.close(true);
  }
}
