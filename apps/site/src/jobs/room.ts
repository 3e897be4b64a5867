import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Containers } from '../containers/containers.js';
import { Unpaid } from '../containers/unpaid.js';
import { LOG } from '../http/tokens.js';
import { Invoicing } from '../invoices/invoicing.js';
import { Ledger } from '../ledger/ledger.js';
import { Collection, Journals } from '../metering/journals.js';
import { TariffBook } from '../metering/tariffs.js';
import type { Room } from '../room.js';
import { Jobs } from './jobs.js';
import { jobTable } from './table.js';

/** Before the first request and the first job: the currency and the prices must be those that the books were begun with. */
@Injectable()
class Opening implements OnModuleInit {
  constructor(
    private readonly db: DataSource,
    private readonly ledger: Ledger,
    private readonly tariffs: TariffBook,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.ledger.open(this.db.manager);
    await this.tariffs.open(this.db.manager);
  }
}

export const jobsRoom: Room = {
  controllers: [],
  providers: [
    Opening,
    {
      provide: Jobs,
      inject: [DataSource, Ledger, TariffBook, Journals, Collection, Invoicing, Containers, Unpaid, LOG],
      useFactory: (
        db: DataSource,
        ledger: Ledger,
        tariffs: TariffBook,
        journals: Journals,
        collection: Collection,
        invoicing: Invoicing,
        containers: Containers,
        unpaid: Unpaid,
        log: Logger,
      ) =>
        new Jobs(db, jobTable({ db, ledger, tariffs, journals, collection, invoicing, containers, unpaid, log }), log),
    },
  ],
};
