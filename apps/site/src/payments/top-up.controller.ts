import { Body, Controller, Param, Req } from '@nestjs/common';
import { Problem } from '@berth/problem';
import type { BodyOf, ReplyOf } from '@berth/site-api';
import type { Request } from 'express';
import { DataSource } from 'typeorm';
import { Customers } from '../customers/customers.js';
import { callerOf } from '../http/gate.js';
import { Serves } from '../http/serves.js';
import { Costs } from '../metering/costs.js';
import { Payments } from './payments.js';

@Controller()
export class TopUpController {
  constructor(
    private readonly db: DataSource,
    private readonly customers: Customers,
    private readonly payments: Payments,
    private readonly costs: Costs,
  ) {}

  @Serves('admin.topUp')
  async topUp(
    @Param('id') customerId: string,
    @Body() { nanos, reference }: BodyOf<'admin.topUp'>,
    @Req() request: Request,
  ): Promise<ReplyOf<'admin.topUp'>> {
    const by = callerOf(request).id;
    const customer = await this.customers.get(customerId);
    if (!customer) throw new Problem('not_found', 'cannot top up: there is no such customer');
    const booked = await this.db.transaction((db) => this.payments.topUp(db, { customerId, nanos, reference, by }));
    const { balanceNanos, unbilledNanos } = await this.costs.standing(this.db.manager, customerId);
    const { id, email, name, role, createdAt } = customer;
    const containers = await this.containersOf(id);
    return {
      id,
      email,
      name,
      role,
      createdAt: createdAt.toISOString(),
      balanceNanos,
      unbilledNanos,
      containers,
      booked,
    };
  }

  private async containersOf(customerId: string): Promise<number> {
    const [row]: { count: number }[] = await this.db.query(
      'select count(*)::int as count from lease where customer_id = $1 and ended_at is null',
      [customerId],
    );
    return row?.count ?? 0;
  }
}
