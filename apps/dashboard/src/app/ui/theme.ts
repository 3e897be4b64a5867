import { DOCUMENT, effect, inject, Injectable, signal } from '@angular/core';
import { preference } from './preference.js';

export const themes = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof themes)[number];

/** Light or dark: the system's until the person chooses. The style sheet does the rest, by `data-theme`. */
@Injectable({ providedIn: 'root' })
export class Theme {
  private readonly document = inject(DOCUMENT);
  private readonly chosen = preference<ThemeName>('berth.theme', themes);
  readonly name = signal<ThemeName>(this.chosen.read() ?? 'system');

  constructor() {
    effect(() => (this.document.documentElement.dataset['theme'] = this.name()));
  }

  choose(name: ThemeName): void {
    this.chosen.write(name);
    this.name.set(name);
  }
}
