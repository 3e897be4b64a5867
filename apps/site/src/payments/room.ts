import type { Room } from '../room.js';
import { Ledger } from '../ledger/ledger.js';
import { BillingController } from './billing.controller.js';
import { Payments } from './payments.js';
import { TopUpController } from './top-up.controller.js';

export const paymentsRoom: Room = {
  controllers: [BillingController, TopUpController],
  providers: [{ provide: Payments, inject: [Ledger], useFactory: (ledger: Ledger) => new Payments(ledger) }],
};
