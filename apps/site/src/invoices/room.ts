import type { Config } from '../config.js';
import { CONFIG } from '../http/tokens.js';
import { Ledger } from '../ledger/ledger.js';
import { TariffBook } from '../metering/tariffs.js';
import { Payments } from '../payments/payments.js';
import type { Room } from '../room.js';
import { AdminInvoicesController } from './admin-invoices.controller.js';
import { Archive } from './archive.js';
import { InvoicesController } from './invoices.controller.js';
import { Invoicing } from './invoicing.js';

export const invoicesRoom: Room = {
  controllers: [InvoicesController, AdminInvoicesController],
  providers: [
    Archive,
    {
      provide: Invoicing,
      inject: [Ledger, TariffBook, Payments, CONFIG],
      useFactory: (ledger: Ledger, tariffs: TariffBook, payments: Payments, config: Config) =>
        new Invoicing(
          { ledger, tariffs, payments },
          { seller: config.seller, vat: config.vat, timeZone: config.billingTimeZone },
        ),
    },
  ],
};
