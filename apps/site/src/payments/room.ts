import { TrialCredit } from '../customers/trial-credit.js';
import { Ledger } from '../ledger/ledger.js';
import type { Room } from '../room.js';
import { BillingController } from './billing.controller.js';
import { CustomersListController } from './customers-list.controller.js';
import { BookedTrial } from './booked-trial.js';
import { Payments } from './payments.js';
import { TopUpController } from './top-up.controller.js';

export const paymentsRoom: Room = {
  controllers: [BillingController, CustomersListController, TopUpController],
  providers: [
    { provide: Payments, inject: [Ledger], useFactory: (ledger: Ledger) => new Payments(ledger) },
    { provide: TrialCredit, useClass: BookedTrial },
  ],
};
