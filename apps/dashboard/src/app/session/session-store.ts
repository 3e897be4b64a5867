import { Dialog } from '@angular/cdk/dialog';
import { computed, DOCUMENT, inject, Injectable, signal } from '@angular/core';
import { Router } from '@angular/router';
import type { BodyOf, Session } from '@berth/site-api';
import { SiteClient } from '../site/site-client.js';
import { Clock } from '../ui/clock.js';
import { Language, type LanguageCode } from '../ui/language.js';
import { Messages } from '../ui/messages.js';

/** Who is signed in. It is asked for once, and again by whoever signs in or out. */
@Injectable({ providedIn: 'root' })
export class SessionStore {
  private readonly site = inject(SiteClient);
  private readonly router = inject(Router);
  private readonly language = inject(Language);
  private readonly clock = inject(Clock);
  private readonly dialogs = inject(Dialog);
  private readonly messages = inject(Messages);
  private readonly document = inject(DOCUMENT);
  private readonly known = signal<Session | undefined>(undefined);
  readonly session = this.known.asReadonly();
  readonly customer = computed(() => this.known()?.customer);
  /** Between the tabs of this browser: who signs out or in in one does so in all of them at once. `ended`, or who it is. */
  private readonly tabs = new BroadcastChannel('berth.session');

  constructor() {
    this.tabs.onmessage = ({ data }: MessageEvent<string>) => {
      const own = this.customer();
      if (!own || data === own.id) return;
      if (data === 'ended') this.ended();
      else this.document.location.reload(); // somebody else is signed in now: nothing of this page is theirs
    };
  }

  /** @throws SiteProblem where site cannot be asked. */
  async load(): Promise<Session> {
    return this.known() ?? this.learn(await this.site.call('session.get'));
  }

  async signIn(body: BodyOf<'session.create'>): Promise<void> {
    const { customer } = this.learn(await this.site.call('session.create', { body }));
    if (customer) this.tabs.postMessage(customer.id);
  }

  async signUp(body: BodyOf<'customers.create'>): Promise<void> {
    await this.site.call('customers.create', { body });
    await this.signIn({ email: body.email, password: body.password });
  }

  async signOut(): Promise<void> {
    this.learn(await this.site.call('session.destroy'));
    this.messages.dismiss(); // the next person's business it is not
    this.tabs.postMessage('ended');
    await this.router.navigateByUrl('/sign-in');
  }

  async chooseLanguage(locale: LanguageCode): Promise<void> {
    this.language.choose(locale);
    if (this.customer()) this.known.set(await this.site.call('customers.update', { body: { locale } }));
  }

  /** site says that nobody is signed in any more: to the sign-in page, and back here afterwards. */
  ended(): void {
    this.known.update((session) => session && { ...session, customer: undefined });
    const back = this.router.url;
    this.messages.dismiss();
    this.dialogs.closeAll(); // a dialog left open would hide the form from those who hear the page
    if (!back.startsWith('/sign-')) void this.router.navigate(['/sign-in'], { queryParams: { back } });
  }

  private learn(session: Session): Session {
    this.clock.learn(session.now);
    this.known.set(session);
    if (session.customer) this.language.suggest(session.customer.locale);
    return session;
  }
}

/** Only a path on this very site: `//elsewhere` and `/\elsewhere` are addresses of others to a browser. */
export function safePath(wanted: string | null | undefined): string {
  return wanted && /^\/(?![/\\])[^\\]*$/.test(wanted) ? wanted : '/';
}
