import { Component, inject } from '@angular/core';
import { Icon } from './icon.js';
import { keptFocus } from './keep-focus.js';
import { Language } from './language.js';
import { Messages } from './messages.js';

@Component({
  selector: 'berth-message-bar',
  imports: [Icon],
  host: { '(keydown.escape)': 'dismiss()' },
  template: `
    @if (messages.message(); as message) {
      <section class="message" [attr.aria-label]="t('shell.message')">
        <p>{{ message.text }}</p>
        @if (message.action; as action) {
          <button type="button" class="plain" (click)="run(action.run)">{{ action.label }}</button>
        }
        <button type="button" class="icon" [attr.aria-label]="t('shell.dismiss')" (click)="dismiss()">
          <berth-icon name="close" />
        </button>
      </section>
    }
  `,
})
export class MessageBar {
  protected readonly messages = inject(Messages);
  protected readonly t = inject(Language).t;

  protected run(action: () => void): void {
    this.dismiss();
    action();
  }

  protected dismiss(): void {
    const keep = keptFocus();
    this.messages.dismiss();
    keep();
  }
}
