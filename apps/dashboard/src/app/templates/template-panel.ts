import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import type { Step } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { Language, type Key } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Shown } from '../ui/shown.js';
import { Skeleton } from '../ui/skeleton.js';
import { LogView, type LogPlace } from './log-view.js';

const words: Readonly<Record<Step['state'], Key>> = {
  waiting: 'templates.waiting',
  cached: 'templates.cached',
  running: 'templates.running',
  done: 'templates.done',
  failed: 'templates.failed',
};
const dots: Readonly<Record<Step['state'], string>> = {
  ...{ waiting: 'unknown', cached: 'on', running: 'moving', done: 'on', failed: 'off' },
};

/** One template, line by line, as far as its build is; the log of the line that was chosen, or of the one that runs or failed. */
@Component({
  selector: 'berth-template-panel',
  imports: [LogView, ProblemNote, Skeleton],
  template: `
    @if (read.value(); as it) {
      <p>
        {{ t(states[it.template.state]) }}
        @if (it.template.state === 'building') {
          {{ t('templates.progress', { done: done(), lines: it.template.lines }) }}
        }
        <span class="soft"
          >{{ shown.bytes(it.template.sizeBytes) }} · {{ shown.seconds(it.template.milliseconds) }}</span
        >
      </p>
      @if (it.template.reason) {
        <p class="problem" lang="en">{{ it.template.reason }}</p>
      }
      <ol class="steps" [attr.aria-label]="t('templates.lines')">
        @for (step of it.steps; track step.line) {
          <li>
            <button
              type="button"
              class="step"
              [attr.aria-pressed]="step.line === line()"
              (click)="chosen.set(step.line)"
            >
              <span class="dot {{ dots[step.state] }}" aria-hidden="true"></span>
              <span class="soft">{{ t(words[step.state]) }}</span>
              <code [title]="step.text">{{ step.text }}</code>
              <span class="number soft">{{
                step.milliseconds === undefined ? '' : shown.seconds(step.milliseconds)
              }}</span>
              <span class="number soft">{{ step.sizeBytes === undefined ? '' : shown.bytes(step.sizeBytes) }}</span>
            </button>
          </li>
        }
      </ol>
      @if (place(); as place) {
        <h3>{{ t('templates.logOf', { line: place.line }) }}</h3>
        <berth-log-view [place]="place" />
      }
    } @else if (read.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="read.reload()" />
    } @else {
      <berth-skeleton />
    }
  `,
})
export class TemplatePanel {
  /** Both are empty until they are set: reading begins before. */
  readonly host = input('');
  /** `name:version`. */
  readonly template = input('');
  private readonly site = inject(SiteClient);
  protected readonly shown = inject(Shown);
  protected readonly t = inject(Language).t;
  protected readonly words = words;
  protected readonly dots = dots;
  protected readonly states = {
    building: 'templates.building',
    ready: 'templates.ready',
    failed: 'templates.failed',
  } as const satisfies Record<string, Key>;
  protected readonly chosen = signal<number | undefined>(undefined);
  protected readonly read = loaded(
    async () => (this.template() === '' ? undefined : this.site.call('admin.template', { params: this.params() })),
    { everyMs: 1_000 },
  );

  private readonly params = computed(() => {
    const [name = '', version = ''] = this.template().split(':');
    return { host: this.host(), name, version };
  });
  protected readonly done = computed(
    () => this.read.value()?.steps.filter(({ state }) => state === 'done' || state === 'cached').length ?? 0,
  );
  /** Stays with what was chosen; until then it goes along with the build. */
  protected readonly line = computed(() => {
    const value = this.read.value();
    const at = value?.steps.find(({ state }) => state === 'running' || state === 'failed');
    return this.chosen() ?? at?.line ?? value?.steps.at(-1)?.line;
  });
  protected readonly place = computed<LogPlace | undefined>(
    () => {
      const line = this.line();
      return line === undefined ? undefined : { ...this.params(), line };
    },
    { equal: (one, other) => JSON.stringify(one) === JSON.stringify(other) },
  );

  constructor() {
    effect(() => {
      this.params();
      untracked(() => {
        this.chosen.set(undefined);
        void this.read.reload();
      });
    });
  }
}
