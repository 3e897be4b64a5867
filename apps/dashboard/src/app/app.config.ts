import { provideHttpClient, withInterceptors } from '@angular/common/http';
import {
  inject,
  Injectable,
  provideAppInitializer,
  provideZonelessChangeDetection,
  type ApplicationConfig,
} from '@angular/core';
import { provideRouter, TitleStrategy, withComponentInputBinding, withInMemoryScrolling } from '@angular/router';
import { de, en } from '@berth/i18n';
import { provideTransloco, TranslocoService, type TranslocoLoader } from '@jsverse/transloco';
import { firstValueFrom, of } from 'rxjs';
import { routes } from './app.routes.js';
import { PageTitles } from './page-titles.js';
import { leadsToSignIn } from './session/expiry.js';

/** Both languages come with the page: switching needs no network and loses nothing. */
@Injectable()
class Catalogues implements TranslocoLoader {
  getTranslation(code: string) {
    return of(code === 'de' ? de : en);
  }
}

export const provideWords = () => [
  provideTransloco({
    config: { availableLangs: ['en', 'de'], defaultLang: 'en', reRenderOnLangChange: true, prodMode: true },
    loader: Catalogues,
  }),
  provideAppInitializer(async () => {
    const words = inject(TranslocoService);
    await Promise.all(['en', 'de'].map((code) => firstValueFrom(words.load(code))));
  }),
];

export const appConfig: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    provideHttpClient(withInterceptors([leadsToSignIn])),
    provideRouter(routes, withComponentInputBinding(), withInMemoryScrolling({ scrollPositionRestoration: 'enabled' })),
    { provide: TitleStrategy, useExisting: PageTitles },
    provideWords(),
  ],
};
