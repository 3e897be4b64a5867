import { z } from 'zod';
import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app/app.js';
import { appConfig } from './app/app.config.js';

// zod would try to compile its checks with `new Function`, which our Content-Security-Policy forbids and reports.
z.config({ jitless: true });

bootstrapApplication(App, appConfig).catch((fault: unknown) => {
  document.body.textContent = 'Berth cannot start in this browser: reload the page, or use a newer browser.';
  throw fault;
});
