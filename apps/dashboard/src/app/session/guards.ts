import { inject } from '@angular/core';
import { Router, type CanActivateFn } from '@angular/router';
import { SessionStore } from './session-store.js';

/** Whoever is not signed in is led to the sign-in page, and back afterwards. */
export const signedIn: CanActivateFn = async (_route, state) => {
  const [store, router] = [inject(SessionStore), inject(Router)];
  const { customer } = await store.load();
  return customer ? true : router.createUrlTree(['/sign-in'], { queryParams: { back: state.url } });
};

export const adminOnly: CanActivateFn = async () => {
  const [store, router] = [inject(SessionStore), inject(Router)];
  const { customer } = await store.load();
  return customer?.role === 'admin' ? true : router.createUrlTree(['/']);
};

/** Nobody is refused, but the page knows of the installation and has the CSRF cookie for its first form. */
export const introduced: CanActivateFn = async () => {
  await inject(SessionStore).load();
  return true;
};
