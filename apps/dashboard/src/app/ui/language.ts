import { computed, DOCUMENT, effect, inject, Injectable, signal } from '@angular/core';
import { TranslocoService } from '@jsverse/transloco';
import type { Catalogue } from '@berth/i18n';
import { preference } from './preference.js';

export const languages = ['en', 'de'] as const;
export type LanguageCode = (typeof languages)[number];
export const languageNames: Readonly<Record<LanguageCode, string>> = { en: 'English', de: 'Deutsch' };

type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
/** A key of the catalogue: a sentence that nobody wrote does not compile. */
export type Key = Paths<Catalogue>;
export type Words = Readonly<Record<string, string | number>>;

/** The language of the page. Whoever reads `t` in a template is refreshed when it changes; nothing is made anew. */
@Injectable({ providedIn: 'root' })
export class Language {
  private readonly transloco = inject(TranslocoService);
  private readonly document = inject(DOCUMENT);
  private readonly chosen = preference<LanguageCode>('berth.language', languages);
  readonly code = signal<LanguageCode>(this.chosen.read() ?? preferred(this.document.defaultView?.navigator.languages));

  /** For dates and numbers: the browser's own kind of that language, because 7/8 is two days. */
  readonly locale = computed(
    () =>
      this.document.defaultView?.navigator.languages.find((tag) => tag.startsWith(`${this.code()}-`)) ?? this.code(),
  );

  readonly t = (key: Key, words: Words = {}): string => this.transloco.translate(key, words, this.code());

  constructor() {
    effect(() => {
      this.document.documentElement.lang = this.code();
      this.transloco.setActiveLang(this.code());
    });
  }

  choose(code: LanguageCode): void {
    this.chosen.write(code);
    this.code.set(code);
  }

  /** The account's language counts where this browser has not chosen one. */
  suggest(code: LanguageCode): void {
    if (this.chosen.read() === undefined) this.code.set(code);
  }
}

function preferred(wanted: readonly string[] = []): LanguageCode {
  for (const tag of wanted) {
    const known = languages.find((code) => tag.toLowerCase().startsWith(code));
    if (known) return known;
  }
  return 'en';
}
