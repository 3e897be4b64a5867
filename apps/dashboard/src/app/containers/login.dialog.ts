import { Clipboard } from '@angular/cdk/clipboard';
import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject, signal } from '@angular/core';
import type { Container } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';
import { Icon } from '../ui/icon.js';
import { Language } from '../ui/language.js';
import { loaded } from '../ui/loaded.js';
import { Messages } from '../ui/messages.js';
import { ProblemNote } from '../ui/problem-note.js';
import { Skeleton } from '../ui/skeleton.js';

/** The login an app made at its first start: shown until it is put away. It is held by this panel only. */
@Component({
  selector: 'berth-login-dialog',
  imports: [Icon, ProblemNote, Skeleton],
  template: `
    <h2 id="login-title">{{ t('login.title', { name: data.container.name }) }}</h2>
    @if (login.value(); as it) {
      <p>{{ t('login.text') }}</p>
      <dl class="login">
        <dt>{{ t('login.user') }}</dt>
        <dd>
          <code>{{ it.user }}</code>
          <button type="button" class="icon" [attr.aria-label]="t('login.copyUser')" (click)="copy(it.user)">
            <berth-icon name="copy" />
          </button>
        </dd>
        <dt>{{ t('login.password') }}</dt>
        <dd>
          <code>{{ it.password }}</code>
          <button type="button" class="icon" [attr.aria-label]="t('login.copyPassword')" (click)="copy(it.password)">
            <berth-icon name="copy" />
          </button>
        </dd>
      </dl>
      @if (it.url ?? data.container.url; as url) {
        <p>
          <a [href]="url" target="_blank" rel="noopener noreferrer">{{ t('login.open') }} <berth-icon name="out" /></a>
        </p>
      }
    } @else if (login.problem(); as problem) {
      <berth-problem-note [problem]="problem" [canRetry]="true" (retry)="login.reload()" />
    } @else {
      <berth-skeleton />
    }
    @if (refusal(); as problem) {
      <berth-problem-note [problem]="problem" />
    }
    <div class="buttons">
      <button type="button" (click)="ref.close()">{{ t('login.close') }}</button>
      @if (login.value()) {
        <button type="button" class="main" (click)="putAway()">{{ t('login.noted') }}</button>
      }
    </div>
  `,
})
export class LoginDialog {
  private readonly site = inject(SiteClient);
  private readonly clipboard = inject(Clipboard);
  private readonly messages = inject(Messages);
  protected readonly ref = inject(DialogRef);
  protected readonly data = inject<{ container: Container; refresh: () => Promise<void> }>(DIALOG_DATA);
  protected readonly t = inject(Language).t;
  protected readonly refusal = signal<SiteProblem | undefined>(undefined);
  private readonly params = { id: this.data.container.id };
  protected readonly login = loaded(() => this.site.call('containers.login', { params: this.params }));

  protected copy(text: string): void {
    if (this.clipboard.copy(text)) this.messages.show({ text: this.t('login.copied') });
  }

  protected async putAway(): Promise<void> {
    try {
      await this.site.call('containers.forgetLogin', { params: this.params });
      this.ref.close();
      this.messages.show({ text: this.t('login.putAway') });
      void this.data.refresh();
    } catch (thrown) {
      this.refusal.set(problemOf(thrown));
    }
  }
}
