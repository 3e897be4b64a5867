import { Component, inject } from '@angular/core';
import { Icon } from './icon.js';
import { Language } from './language.js';
import { Messages } from './messages.js';

@Component({
  selector: 'berth-message-bar',
  imports: [Icon],
  host: { '(keydown.escape)': 'messages.dismiss()' },
  template: `
    @if (messages.message(); as message) {
      <section class="message" [attr.aria-label]="t('shell.message')">
        <p>{{ message.text }}</p>
        @if (message.action; as action) {
          <button type="button" class="plain" (click)="run(action.run)">{{ action.label }}</button>
        }
        <button type="button" class="icon" [attr.aria-label]="t('shell.dismiss')" (click)="messages.dismiss()">
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
    this.messages.dismiss();
    action();
  }
}
