import type { Config } from '../config.js';
import { Hosts } from '../containers/hosts.js';
import { Terms } from '../containers/terms.js';
import { CONFIG } from '../http/tokens.js';
import type { Room } from '../room.js';
import { BookedTerms } from './booked-terms.js';
import { Costs } from './costs.js';
import { HostsController } from './hosts.controller.js';
import { Collection, Journals } from './journals.js';
import { TariffBook } from './tariffs.js';

export const meteringRoom: Room = {
  controllers: [HostsController],
  providers: [
    Collection,
    { provide: Terms, useClass: BookedTerms },
    {
      provide: Journals,
      inject: [Hosts],
      useFactory: ({ all }: Hosts): Journals => {
        const journals = all.map(({ name, con }) => ({ host: name, read: con['usage.read'] }));
        return { all: () => journals };
      },
    },
    { provide: TariffBook, inject: [CONFIG], useFactory: ({ tariff }: Config) => new TariffBook(tariff) },
    {
      provide: Costs,
      inject: [TariffBook, CONFIG],
      useFactory: (tariffs: TariffBook, { vat, billingTimeZone: timeZone }: Config) =>
        new Costs({ tariffs, vat, timeZone }),
    },
  ],
};
