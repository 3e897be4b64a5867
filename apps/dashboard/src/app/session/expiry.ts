import { inject } from '@angular/core';
import type { HttpInterceptorFn } from '@angular/common/http';
import { tap } from 'rxjs';
import { problemOf } from '../site/site-problem.js';
import { SessionStore } from './session-store.js';

/** A 401 anywhere leads to the sign-in page and back; the sign-in form itself shows its refusal in place. */
export const leadsToSignIn: HttpInterceptorFn = (request, next) => {
  const session = inject(SessionStore, { optional: true });
  return next(request).pipe(
    tap({
      error: (thrown: unknown) => {
        const isSigningIn = request.url === '/api/session' && request.method === 'POST';
        if (problemOf(thrown).code === 'unauthenticated' && !isSigningIn) session?.ended();
      },
    }),
  );
};
