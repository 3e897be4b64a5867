import { inject, Injectable, signal } from '@angular/core';
import { LiveAnnouncer } from '@angular/cdk/a11y';

export type Message = Readonly<{ text: string; action?: Readonly<{ label: string; run: () => void }> }>;

/** One message at the foot of the page. It stays until it is answered or replaced: nobody has to be quick. */
@Injectable({ providedIn: 'root' })
export class Messages {
  private readonly announcer = inject(LiveAnnouncer);
  private readonly shown = signal<Message | undefined>(undefined);
  readonly message = this.shown.asReadonly();

  show(message: Message): void {
    this.shown.set(message);
    this.say(message.text);
  }

  dismiss(): void {
    this.shown.set(undefined);
  }

  /** Spoken only, by screen readers. */
  say(text: string): void {
    void this.announcer.announce(text, 'polite');
  }
}
