import { Body, Controller, Inject, Req } from '@nestjs/common';
import type { BodyOf, ReplyOf, Session } from '@berth/site-api';
import type { Request } from 'express';
import type { Config } from '../config.js';
import { callerOf } from '../http/gate.js';
import { Serves } from '../http/serves.js';
import { CONFIG } from '../http/tokens.js';
import { Customers } from './customers.js';
import { DemoMode } from './demo-mode.js';
import { Throttle } from './throttle.js';
import { visitorOf } from './visitor.js';

@Controller()
export class CustomersController {
  private readonly byAddress: Throttle;

  constructor(
    private readonly customers: Customers,
    private readonly demo: DemoMode,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const { signUpsPerAddress, windowSeconds } = config.throttle;
    this.byAddress = new Throttle(signUpsPerAddress, windowSeconds * 1000);
  }

  @Serves('customers.create')
  async create(
    @Body() body: BodyOf<'customers.create'>,
    @Req() request: Request,
  ): Promise<ReplyOf<'customers.create'>> {
    const address = visitorOf(request);
    this.byAddress.mustAllow(address);
    this.byAddress.add(address);
    await this.customers.signUp(body);
    return {};
  }

  @Serves('customers.update')
  async update(@Body() { locale }: BodyOf<'customers.update'>, @Req() request: Request): Promise<Session> {
    const caller = callerOf(request);
    await this.customers.changeLocale(caller.id, locale);
    const { currency } = this.config;
    return { customer: { ...caller, locale }, currency, demo: this.demo.isOn(), now: new Date().toISOString() };
  }
}
