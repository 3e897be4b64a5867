import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Terms } from '../containers/terms.js';
import { standingOf } from '../pricing/standing.js';
import { Costs } from './costs.js';

/** What containers ask, answered out of the books. */
@Injectable()
export class BookedTerms implements Terms {
  constructor(
    private readonly db: DataSource,
    private readonly costs: Costs,
  ) {}

  async mayRun(customerIds: readonly string[]): Promise<ReadonlySet<string>> {
    const funds = await this.costs.funds(this.db.manager, customerIds);
    return new Set([...funds].filter(([, one]) => standingOf(one).mayStart).map(([id]) => id));
  }

  costToday(leaseIds: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    return this.costs.costToday(this.db.manager, leaseIds);
  }

  hourNanos(tariffTag: string): bigint {
    return this.costs.hourNanos(tariffTag);
  }
}
