import type { Config } from '../config.js';
import { CONFIG } from '../http/tokens.js';
import type { Room } from '../room.js';
import { Costs } from './costs.js';
import { Collection } from './journals.js';
import { TariffBook } from './tariffs.js';

export const meteringRoom: Room = {
  controllers: [],
  providers: [
    Collection,
    { provide: TariffBook, inject: [CONFIG], useFactory: ({ tariff }: Config) => new TariffBook(tariff) },
    {
      provide: Costs,
      inject: [TariffBook, CONFIG],
      useFactory: (tariffs: TariffBook, { vat, billingTimeZone: timeZone }: Config) =>
        new Costs({ tariffs, vat, timeZone }),
    },
  ],
};
