import type { Role } from '@berth/site-api';
import type { Request } from 'express';

/** Who makes a request: found once, by the session, and never asked of the request's body. */
export type Caller = Readonly<{
  id: string;
  email: string;
  name: string;
  role: Role;
  locale: 'en' | 'de';
}>;

/** A browser's visit, signed in or not. */
export type Visit = Readonly<{ sessionId: string; csrfToken: string; caller?: Caller }>;

declare module 'express-serve-static-core' {
  interface Request {
    requestId: string;
    /** Absent outside `/api`. */
    visit?: Visit;
  }
}

export type { Request };
