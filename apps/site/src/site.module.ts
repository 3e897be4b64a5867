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
import { Terms } from './containers/terms.js';
import { customersRoom } from './customers/room.js';
import { TrialCredit } from './customers/trial-credit.js';
import { dataSource } from './db/source.js';
import { Encoded, WellFormed } from './http/contract.js';
import { Gate } from './http/gate.js';
import { ProblemFilter } from './http/problem-filter.js';
import { httpRoom } from './http/room.js';
import { CONFIG, LOG } from './http/tokens.js';

/** Every room of the house. One flat space of providers: rooms meet at interfaces, not at modules. */
const rooms = [httpRoom, auditRoom, customersRoom, catalogueRoom, containersRoom];

/** Where a lower room needs what a higher one knows, the lower one says so with an abstract class, and it is filled here. */
const fillings = [
  { provide: TrialCredit, useValue: { grant: async () => undefined } },
  { provide: Terms, useValue: { mayStart: async () => true, costToday: async () => new Map(), hourNanos: () => 0n } },
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
        ...fillings,
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
