import { Component, effect, inject, input, signal, untracked } from '@angular/core';
import { SiteClient } from '../site/site-client.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Language } from '../ui/language.js';
import { poll } from '../ui/poll.js';
import { ProblemNote } from '../ui/problem-note.js';

export type LogPlace = Readonly<{ host: string; name: string; version: string; line: number }>;

/** More is not shown: the command line has all of it. */
const mostLetters = 400_000;

/** What a line printed, and what it prints on, read further every second until nothing follows. */
@Component({
  selector: 'berth-log-view',
  imports: [ProblemNote],
  template: `
    @if (problem(); as problem) {
      <berth-problem-note [problem]="problem" />
    }
    <pre class="log" tabindex="0" [attr.aria-label]="t('templates.logOf', { line: place()?.line ?? '' })">{{
      text() === '' ? t(isOver() ? 'templates.noLog' : 'templates.waits') : text()
    }}</pre>
  `,
})
export class LogView {
  /** Absent until it is set: reading begins before. */
  readonly place = input<LogPlace>();
  private readonly site = inject(SiteClient);
  protected readonly t = inject(Language).t;
  protected readonly text = signal('');
  protected readonly isOver = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);
  private next = 0n;

  constructor() {
    const readOn = poll(() => this.read(), { everyMs: 1_000 });
    effect(() => {
      this.place(); // another line begins anew
      untracked(() => {
        this.text.set('');
        this.isOver.set(false);
        this.next = 0n;
        void readOn();
      });
    });
  }

  private async read(): Promise<void> {
    const place = this.place();
    if (!place) return;
    const { line, ...where } = place;
    while (!this.isOver() && this.text().length < mostLetters) {
      try {
        const params = { ...where, line: `${line}`, offset: `${this.next}` };
        const { text, next, done } = await this.site.call('admin.templateLog', { params });
        if (place !== this.place()) return; // somebody chose another meanwhile
        this.problem.set(undefined);
        if (text !== '') this.text.update((before) => before + text);
        const hasMore = next > this.next;
        this.next = next;
        if (done) this.isOver.set(true);
        if (!hasMore) return;
      } catch (thrown) {
        this.problem.set(problemOf(thrown));
        return;
      }
    }
  }
}
