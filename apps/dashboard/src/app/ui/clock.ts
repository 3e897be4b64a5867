import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** The time of day as a signal, once a second. It is corrected by the server's, so that ages are right on any machine. */
@Injectable({ providedIn: 'root' })
export class Clock {
  private aheadMs = 0;
  private readonly instant = signal(Date.now());
  /** Milliseconds since 1970 by the server's clock. */
  readonly now = this.instant.asReadonly();

  constructor() {
    const timer = setInterval(() => this.tick(), 1000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }

  /**
   * @param serverNow `now` of an answer that came in just now.
   * @param tookMs since it was asked for: so long it may have been on its way, and so old it may be.
   */
  learn(serverNow: string, tookMs = 0): void {
    this.aheadMs = Date.parse(serverNow) + tookMs - Date.now();
    this.tick();
  }

  tick(): void {
    this.instant.set(Date.now() + this.aheadMs);
  }
}
