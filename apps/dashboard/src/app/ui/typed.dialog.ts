import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, computed, inject, signal } from '@angular/core';
import { Field } from './field.js';
import { Language } from './language.js';

/** In the page's language, all of them. */
export type Question = Readonly<{ title: string; text: string; word: string; act: string }>;

/** What cannot be undone asks, and is answered by typing its name. Closes with true once that was done. */
@Component({
  selector: 'berth-typed-dialog',
  imports: [Field],
  template: `
    <h2 id="typed-title">{{ question.title }}</h2>
    <p>{{ question.text }}</p>
    <form novalidate (submit)="submit($event)">
      <berth-field for="typed" [label]="t('typed.type', { word: question.word })" [fault]="fault()">
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
        <button type="submit" class="main">{{ question.act }}</button>
      </div>
    </form>
  `,
})
export class TypedDialog {
  protected readonly ref = inject<DialogRef<boolean>>(DialogRef);
  protected readonly question = inject<Question>(DIALOG_DATA);
  protected readonly t = inject(Language).t;
  protected readonly typed = signal('');
  protected readonly tried = signal(false);
  private readonly isRight = computed(
    () => this.typed().trim().toLowerCase() === this.question.word.trim().toLowerCase(),
  );
  protected readonly fault = computed(() =>
    this.tried() && !this.isRight() ? this.t('typed.rule', { word: this.question.word }) : '',
  );

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  protected submit(event: Event): void {
    event.preventDefault();
    this.tried.set(true);
    if (this.isRight()) this.ref.close(true);
  }
}
