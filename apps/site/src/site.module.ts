import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Logger } from 'pino';
import { Audited } from './audit/audited.js';
import { auditRoom } from './audit/room.js';
import { catalogueRoom } from './catalogue/room.js';
import type { Config } from './config.js';
import { containersRoom } from './containers/room.js';
import { customersRoom } from './customers/room.js';
import { dataSource } from './db/source.js';
import { Encoded, WellFormed } from './http/contract.js';
import { Gate } from './http/gate.js';
import { ProblemFilter } from './http/problem-filter.js';
import { httpRoom } from './http/room.js';
import { CONFIG, LOG } from './http/tokens.js';
import { invoicesRoom } from './invoices/room.js';
import { jobsRoom } from './jobs/room.js';
import { ledgerRoom } from './ledger/room.js';
import { meteringRoom } from './metering/room.js';
import { paymentsRoom } from './payments/room.js';

/** Every room of the house. One flat space of providers: rooms meet at interfaces, not at modules. */
const rooms = [
  httpRoom,
  auditRoom,
  ledgerRoom,
  customersRoom,
  catalogueRoom,
  containersRoom,
  meteringRoom,
  paymentsRoom,
  invoicesRoom,
  jobsRoom,
];

@Module({})
export class SiteModule {
  static of(config: Config, log: Logger): DynamicModule {
    return {
      module: SiteModule,
      imports: [
        PassportModule,
        TypeOrmModule.forRootAsync({
          useFactory: () => ({ ...dataSource(config.databaseUrl).options, retryAttempts: 0 }),
          dataSourceFactory: () => dataSource(config.databaseUrl).initialize(),
        }),
      ],
      controllers: rooms.flatMap(({ controllers }) => controllers),
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: LOG, useValue: log },
        ...rooms.flatMap(({ providers }) => providers),
        // In this order: who may, then what it says, then (around the handler) who did it and what is answered.
        { provide: APP_GUARD, useClass: Gate },
        { provide: APP_GUARD, useClass: WellFormed },
        { provide: APP_INTERCEPTOR, useClass: Audited },
        { provide: APP_INTERCEPTOR, useClass: Encoded },
        { provide: APP_FILTER, useExisting: ProblemFilter },
      ],
    };
  }
}
