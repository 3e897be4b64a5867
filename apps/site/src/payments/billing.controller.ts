import { Controller, Req } from '@nestjs/common';
import type { ReplyOf } from '@berth/site-api';
import type { Request } from 'express';
import { DataSource } from 'typeorm';
import { callerOf } from '../http/gate.js';
import { Serves } from '../http/serves.js';
import { Ledger } from '../ledger/ledger.js';
import { Costs } from '../metering/costs.js';

@Controller()
export class BillingController {
  constructor(
    private readonly db: DataSource,
    private readonly costs: Costs,
    private readonly ledger: Ledger,
  ) {}

  @Serves('billing.get')
  async get(@Req() request: Request): Promise<ReplyOf<'billing.get'>> {
    const { balanceNanos, unbilledNanos, leftNanos } = await this.costs.standing(this.db.manager, callerOf(request).id);
    return { currency: this.ledger.currency, balanceNanos, unbilledNanos, leftNanos, now: new Date().toISOString() };
  }
}
