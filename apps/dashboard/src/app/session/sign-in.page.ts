import { Component, inject, input, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Field } from '../ui/field.js';
import { Language } from '../ui/language.js';
import { ProblemNote } from '../ui/problem-note.js';
import { safePath, SessionStore } from './session-store.js';

@Component({
  selector: 'berth-sign-in',
  imports: [Field, ProblemNote, RouterLink],
  template: `
    <section class="narrow">
      <h1>{{ t('session.signIn') }}</h1>
      <p class="soft">{{ t('session.tagline') }}</p>
      <form novalidate (submit)="submit($event)">
        <berth-field
          for="email"
          [label]="t('session.email')"
          [fault]="tried() && !email().includes('@') ? t('session.needEmail') : ''"
        >
          <input
            id="email"
            type="email"
            autocomplete="username"
            required
            aria-describedby="email-fault"
            [attr.aria-invalid]="tried() && !email().includes('@')"
            (input)="email.set(text($event))"
          />
        </berth-field>
        <berth-field
          for="password"
          [label]="t('session.password')"
          [fault]="tried() && !password() ? t('session.needPassword') : ''"
        >
          <input
            id="password"
            type="password"
            autocomplete="current-password"
            required
            aria-describedby="password-fault"
            [attr.aria-invalid]="tried() && !password()"
            (input)="password.set(text($event))"
          />
        </berth-field>
        @if (problem(); as it) {
          <berth-problem-note [problem]="it" />
        }
        <button type="submit" class="main" [attr.aria-disabled]="busy()">{{ t('session.signIn') }}</button>
      </form>
      <p>
        {{ t('session.noAccount') }}
        <a routerLink="/sign-up" queryParamsHandling="preserve">{{ t('session.signUp') }}</a>
      </p>
    </section>
  `,
})
export class SignInPage {
  private readonly store = inject(SessionStore);
  private readonly router = inject(Router);
  protected readonly t = inject(Language).t;
  /** Where the person wanted to go, from the address. */
  readonly back = input<string>();
  protected readonly email = signal('');
  protected readonly password = signal('');
  protected readonly tried = signal(false);
  protected readonly busy = signal(false);
  protected readonly problem = signal<SiteProblem | undefined>(undefined);

  protected readonly text = (event: Event): string => (event.target as HTMLInputElement).value;

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    this.tried.set(true);
    if (this.busy() || !this.email().includes('@') || !this.password()) return;
    this.busy.set(true);
    try {
      await this.store.signIn({ email: this.email().trim(), password: this.password() });
      await this.router.navigateByUrl(safePath(this.back()));
    } catch (thrown) {
      this.problem.set(problemOf(thrown));
    } finally {
      this.busy.set(false);
    }
  }
}
