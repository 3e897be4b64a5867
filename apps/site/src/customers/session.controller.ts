import { Controller, Inject, Req, Res, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { Session } from '@berth/site-api';
import type { Request, Response } from 'express';
import type { Config } from '../config.js';
import type { Caller } from '../http/caller.js';
import { CONFIG } from '../http/tokens.js';
import { Serves } from '../http/serves.js';
import type { Customer } from './customers.js';
import { DemoMode } from './demo-mode.js';
import { Sessions } from './sessions.js';
import { Visits } from './visits.js';

@Controller()
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly visits: Visits,
    private readonly demo: DemoMode,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Serves('session.get')
  get(@Req() request: Request, @Res({ passthrough: true }) response: Response): Session {
    return this.told(this.visits.greet(request, response).caller);
  }

  @Serves('session.create')
  @UseGuards(AuthGuard('local'))
  async create(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Session> {
    const { id, email, name, role, locale } = request.user as Customer;
    const visit = await this.sessions.signIn(request.visit, { id, email, name, role, locale });
    return this.told(this.visits.send(visit, request, response).caller);
  }

  @Serves('session.destroy')
  async destroy(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Session> {
    if (request.visit) await this.sessions.signOut(request.visit);
    return this.told(this.visits.send(this.sessions.begin(), request, response).caller);
  }

  private told(customer?: Caller): Session {
    const { currency } = this.config;
    return { ...(customer ? { customer } : {}), currency, demo: this.demo.isOn(), now: new Date().toISOString() };
  }
}
