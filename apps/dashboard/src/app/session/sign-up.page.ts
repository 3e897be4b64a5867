import { Component, computed, inject, input, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { lineFault, longestName } from '@berth/site-api';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Language, type Key } from '../ui/language.js';
import { ProblemNote } from '../ui/problem-note.js';
import { safePath, SessionStore } from './session-store.js';

const nameFaults: Readonly<Record<'empty' | 'long' | 'unreadable', Key>> = {
  empty: 'session.needName',
  long: 'session.nameTooLong',
  unreadable: 'session.nameUnreadable',
};

@Component({
  selector: 'berth-sign-up',
  imports: [Field, ProblemNote, RouterLink],
  template: `
    <section class="narrow">
      <h1>{{ t('session.signUp') }}</h1>
      <p class="soft">{{ t('session.tagline') }}</p>
      <form novalidate (submit)="submit($event)">
        <berth-field for="name" [label]="t('session.name')" [fault]="faults().name">
          <input
            id="name"
            autocomplete="name"
            required
            aria-describedby="name-fault"
            [attr.aria-invalid]="!!faults().name"
            (input)="name.set(text($event))"
          />
        </berth-field>
        <berth-field for="email" [label]="t('session.email')" [fault]="faults().email">
          <input
            id="email"
            type="email"
            autocomplete="username"
            required
            maxlength="254"
            aria-describedby="email-fault"
            [attr.aria-invalid]="!!faults().email"
            (input)="email.set(text($event))"
          />
        </berth-field>
        <berth-field
          for="password"
          [label]="t('session.password')"
          [hint]="t('session.passwordRule')"
          [fault]="faults().password"
        >
          <input
            id="password"
            type="password"
            autocomplete="new-password"
            required
            maxlength="256"
            aria-describedby="password-hint password-fault"
            [attr.aria-invalid]="!!faults().password"
            (input)="password.set(text($event))"
          />
        </berth-field>
        @if (problem(); as it) {
          <berth-problem-note [problem]="it" />
        }
        <button type="submit" class="main" [attr.aria-disabled]="busy()">{{ t('session.signUp') }}</button>
      </form>
      <p>
        {{ t('session.hasAccount') }}
        <a routerLink="/sign-in" queryParamsHandling="preserve">{{ t('session.signIn') }}</a>
      </p>
    </section>
  `,
})
export class SignUpPage {
  private readonly store = inject(SessionStore);
  private readonly router = inject(Router);
  private readonly language = inject(Language);
  protected readonly t = this.language.t;
  readonly back = input<string>();
  protected readonly name = signal('');
  protected readonly email = signal('');
  protected readonly password = signal('');
  protected readonly tried = signal(false);
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);

  /** What is wrong beside each field: by our own rules or by site's. */
  protected readonly faults = computed(() => {
    const said = this.problem()?.fields ?? {};
    const fault = (field: string, isWrong: boolean, words: string) =>
      (this.tried() && isWrong) || field in said ? words : '';
    const nameFault = lineFault(this.name(), longestName);
    return {
      name: fault('name', nameFault !== undefined, this.t(nameFaults[nameFault ?? 'unreadable'])),
      email: fault('email', !/.+@.+/.test(this.email()), this.t('session.needEmail')),
      password: fault('password', this.password().length < 10, this.t('session.needLongPassword')),
    };
  });

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    this.tried.set(true);
    this.problem.set(undefined);
    const { name, email, password } = this.faults();
    if (this.busy() || name || email || password) return;
    this.busy.set(true);
    try {
      await this.store.signUp({
        name: this.name().trim(),
        email: this.email().trim(),
        password: this.password(),
        locale: this.language.code(),
      });
      await this.router.navigateByUrl(safePath(this.back()));
    } catch (thrown) {
      this.problem.set(problemOf(thrown));
    } finally {
      this.busy.set(false);
    }
  }
}
