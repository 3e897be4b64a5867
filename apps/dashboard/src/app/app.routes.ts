import type { Routes } from '@angular/router';
import { NotFoundPage } from './not-found.page.js';
import { adminOnly, introduced, signedIn } from './session/guards.js';
import { SignInPage } from './session/sign-in.page.js';
import { SignUpPage } from './session/sign-up.page.js';
import type { Key } from './ui/language.js';

const titled = (title: Key): { title: Key } => ({ title });

export const routes: Routes = [
  { path: 'sign-in', ...titled('session.signIn'), canActivate: [introduced], component: SignInPage },
  { path: 'sign-up', ...titled('session.signUp'), canActivate: [introduced], component: SignUpPage },
  {
    path: '',
    pathMatch: 'full',
    ...titled('containers.title'),
    canActivate: [signedIn],
    loadComponent: async () => (await import('./containers/containers.page.js')).ContainersPage,
  },
  {
    path: 'containers/:id',
    ...titled('containers.title'),
    canActivate: [signedIn],
    loadComponent: async () => (await import('./containers/container.page.js')).ContainerPage,
  },
  {
    path: 'billing',
    ...titled('billing.title'),
    canActivate: [signedIn],
    loadComponent: async () => (await import('./billing/billing.page.js')).BillingPage,
  },
  {
    path: 'admin',
    canActivate: [signedIn, adminOnly],
    loadChildren: async () => (await import('./admin/admin.routes.js')).adminRoutes,
  },
  { path: '**', ...titled('shell.notFound'), canActivate: [introduced], component: NotFoundPage },
];
