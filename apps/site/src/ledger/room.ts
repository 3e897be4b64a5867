import type { Config } from '../config.js';
import { CONFIG } from '../http/tokens.js';
import type { Room } from '../room.js';
import { Ledger } from './ledger.js';

export const ledgerRoom: Room = {
  controllers: [],
  providers: [{ provide: Ledger, inject: [CONFIG], useFactory: ({ currency }: Config) => new Ledger(currency) }],
};
