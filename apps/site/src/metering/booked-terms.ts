import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Terms } from '../containers/terms.js';
import { Costs } from './costs.js';

/** What containers ask, answered out of the books. */
@Injectable()
export class BookedTerms implements Terms {
  constructor(
    private readonly db: DataSource,
    private readonly costs: Costs,
  ) {}

  async mayStart(customerId: string): Promise<boolean> {
    return (await this.costs.standing(this.db.manager, customerId)).mayStart;
  }

  costToday(leaseIds: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    return this.costs.costToday(this.db.manager, leaseIds);
  }

  hourNanos(tariffTag: string): bigint {
    return this.costs.hourNanos(tariffTag);
  }
}
