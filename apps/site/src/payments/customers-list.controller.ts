import { Controller } from '@nestjs/common';
import type { ReplyOf } from '@berth/site-api';
import { DataSource } from 'typeorm';
import { Customers } from '../customers/customers.js';
import { Serves } from '../http/serves.js';
import { Costs } from '../metering/costs.js';

@Controller()
export class CustomersListController {
  constructor(
    private readonly db: DataSource,
    private readonly customers: Customers,
    private readonly costs: Costs,
  ) {}

  @Serves('admin.customers')
  async list(): Promise<ReplyOf<'admin.customers'>> {
    const people = await this.customers.list();
    const ids = people.map(({ id }) => id);
    const [funds, containers] = [await this.costs.funds(this.db.manager, ids), await this.containers()];
    const items = people.map(({ id, email, name, role, createdAt }) => {
      const { balanceNanos = 0n, unbilledNanos = 0n } = funds.get(id) ?? {};
      const has = containers.get(id) ?? 0;
      return {
        id,
        email,
        name,
        role,
        createdAt: createdAt.toISOString(),
        balanceNanos,
        unbilledNanos,
        containers: has,
      };
    });
    return { items };
  }

  private async containers(): Promise<ReadonlyMap<string, number>> {
    const rows: { id: string; count: number }[] = await this.db.query(
      'select customer_id as id, count(*)::int as count from lease where ended_at is null group by customer_id',
    );
    return new Map(rows.map(({ id, count }) => [id, count]));
  }
}
