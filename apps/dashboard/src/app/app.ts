import { Component, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import {
  NavigationEnd,
  NavigationError,
  NavigationStart,
  Router,
  RouterLink,
  RouterLinkActive,
  RouterOutlet,
} from '@angular/router';
import { SessionStore } from './session/session-store.js';
import { problemOf, type SiteProblem } from './site/site-problem.js';
import { Language, languageNames, languages, type LanguageCode } from './ui/language.js';
import { keptFocus } from './ui/keep-focus.js';
import { MessageBar } from './ui/message-bar.js';
import { Messages } from './ui/messages.js';
import { ProblemNote } from './ui/problem-note.js';
import { Theme, themes, type ThemeName } from './ui/theme.js';

const themeWords = { system: 'shell.themeSystem', light: 'shell.themeLight', dark: 'shell.themeDark' } as const;

/** The frame around every page: banner, navigation, language, theme, messages. */
@Component({
  selector: 'berth-root',
  imports: [MessageBar, ProblemNote, RouterLink, RouterLinkActive, RouterOutlet],
  templateUrl: './app.html',
})
export class App {
  private readonly router = inject(Router);
  private readonly messages = inject(Messages);
  protected readonly store = inject(SessionStore);
  protected readonly language = inject(Language);
  protected readonly theme = inject(Theme);
  protected readonly t = this.language.t;
  protected readonly languages = languages;
  protected readonly languageNames = languageNames;
  protected readonly themes = themes.map((name) => ({ name, word: themeWords[name] }));
  /** Why a page could not be opened, and which. */
  protected readonly broken = signal<{ problem: SiteProblem; url: string } | undefined>(undefined);

  constructor() {
    let keep = (): void => undefined;
    this.router.events.pipe(takeUntilDestroyed()).subscribe((event) => {
      if (event instanceof NavigationStart) keep = keptFocus();
      if (event instanceof NavigationError) this.broken.set({ problem: problemOf(event.error), url: event.url });
      if (event instanceof NavigationEnd) {
        this.broken.set(undefined);
        keep();
      }
    });
  }

  protected async chooseLanguage(event: Event): Promise<void> {
    await this.orSay(() => this.store.chooseLanguage((event.target as HTMLSelectElement).value as LanguageCode));
  }

  protected chooseTheme(event: Event): void {
    this.theme.choose((event.target as HTMLSelectElement).value as ThemeName);
  }

  protected signOut(): Promise<void> {
    return this.orSay(() => this.store.signOut());
  }

  protected async open(url: string): Promise<void> {
    await this.router.navigateByUrl(url, { onSameUrlNavigation: 'reload' });
  }

  protected skip(main: HTMLElement, event: Event): void {
    event.preventDefault();
    main.focus();
  }

  private async orSay(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const { code } = problemOf(thrown);
      this.messages.show({ text: this.t(`problem.${code}`) });
    }
  }
}
