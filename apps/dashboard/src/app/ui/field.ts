import { Component, input } from '@angular/core';

/** A label, its control (projected, with the id given here), a hint and what is wrong, tied together for screen readers. */
@Component({
  selector: 'berth-field',
  host: { class: 'field' },
  template: `
    <label [attr.for]="for()">{{ label() }}</label>
    <ng-content />
    @if (hint()) {
      <p class="small" [id]="for() + '-hint'">{{ hint() }}</p>
    }
    <p class="fault" [id]="for() + '-fault'" aria-live="polite">{{ fault() }}</p>
  `,
})
export class Field {
  readonly for = input.required<string>();
  readonly label = input.required<string>();
  readonly hint = input<string>();
  readonly fault = input<string>();
}
