import { Inject, Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import type { Config } from '../config.js';
import { sessionIdOf, setCsrfCookie, setSessionCookie } from '../http/cookies.js';
import { CONFIG } from '../http/tokens.js';
import type { Visit } from '../http/caller.js';
import { Sessions } from './sessions.js';

/** The border between cookies and visits. */
@Injectable()
export class Visits {
  constructor(
    private readonly sessions: Sessions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Runs before every request to the API. */
  readonly recognise = async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const sessionId = sessionIdOf(request);
    if (sessionId !== undefined) request.visit = await this.sessions.find(sessionId);
    next();
  };

  /** The visit of this browser, one begun for it where it has none; both cookies are sent along. */
  greet(request: Request, response: Response): Visit {
    return this.send(request.visit ?? this.sessions.begin(), request, response);
  }

  send(visit: Visit, request: Request, response: Response): Visit {
    request.visit = visit;
    setSessionCookie(response, visit.sessionId, this.config);
    setCsrfCookie(response, visit.csrfToken, this.config);
    return visit;
  }
}
