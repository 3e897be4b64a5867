import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Config } from '../config.js';
import { TrialCredit } from '../customers/trial-credit.js';
import { CONFIG } from '../http/tokens.js';
import { Ledger } from '../ledger/ledger.js';
import { grantTrial } from '../ledger/trial.js';

/** The trial credit as an entry of the ledger, which is what makes it once in a life. */
@Injectable()
export class BookedTrial implements TrialCredit {
  constructor(
    private readonly ledger: Ledger,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  grant(db: EntityManager, customerId: string): Promise<void> {
    return grantTrial(db, this.ledger, customerId, this.config.trialCreditNanos);
  }
}
