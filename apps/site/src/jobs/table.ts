import { Problem } from '@berth/problem';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Containers } from '../containers/containers.js';
import type { Unpaid } from '../containers/unpaid.js';
import { issueMonthly } from '../invoices/monthly.js';
import type { Invoicing } from '../invoices/invoicing.js';
import type { Ledger } from '../ledger/ledger.js';
import { auditEvents, ledgerEntries, seal, type Sealable } from '../ledger/seal.js';
import { collect } from '../metering/collector.js';
import { greatestSkewMs, type Journal } from '../metering/journal.js';
import type { Collection, Journals } from '../metering/journals.js';
import { mustKnowTags, rateClosedHours } from '../metering/rating.js';
import type { TariffBook } from '../metering/tariffs.js';
import type { Job } from './job.js';

export type Doers = Readonly<{
  db: DataSource;
  ledger: Ledger;
  tariffs: TariffBook;
  journals: Journals;
  collection: Collection;
  invoicing: Invoicing;
  containers: Containers;
  unpaid: Unpaid;
  log: Logger;
}>;

const seconds = (count: number) => count * 1_000;

/** Everything that site does by itself. */
export function jobTable({
  db,
  ledger,
  tariffs,
  journals,
  collection,
  invoicing,
  containers,
  unpaid,
  log,
}: Doers): readonly Job[] {
  return [
    // One a host, so that a silent one keeps nobody else waiting.
    ...journals.all().map((journal) => collecting(db, journal, log)),
    {
      name: 'rate',
      everyMs: seconds(60),
      run: async () => {
        await tariffs.open(db.manager); // a newer site may have brought one
        const posted = await rateClosedHours(db, { ledger, tariffs });
        await mustKnowTags(db.manager, tariffs);
        return posted;
      },
    },
    sealing(db, 'seal', ledgerEntries),
    sealing(db, 'seal audit log', auditEvents),
    { name: 'settle leases', everyMs: seconds(60), run: () => containers.settleAll() },
    // With con's sample every 10 s, and a stop of at most 10 s, use beyond the last credit stays below a minute.
    { name: 'stop what is unpaid', everyMs: seconds(15), run: () => unpaid.stop() },
    {
      name: 'invoice',
      everyMs: seconds(3_600),
      run: () => issueMonthly(db, invoicing, { ask: (hosts) => collection.upToNow(hosts) }),
    },
  ];
}

function collecting(db: DataSource, journal: Journal, log: Logger): Job {
  let wasOff = false;
  return {
    name: `collect:${journal.host}`,
    everyMs: seconds(2),
    run: async (stopping) => {
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(seconds(5))]);
      const { skewMs, doubted } = await collect(db, journal, { signal });
      if (doubted.length > 0) {
        const [{ reason, sample } = {}] = doubted;
        const first = sample && { container: sample.container, seq: `${sample.seq}`, reason };
        log.warn({ host: journal.host, count: doubted.length, first }, 'samples of a host were set aside');
      }
      const isOff = Math.abs(skewMs) > greatestSkewMs;
      if (isOff && !wasOff) log.warn({ host: journal.host, skewMs }, "a host's clock and ours differ");
      wasOff = isOff;
    },
  };
}

/** A transaction may commit an hour after it recorded; at the first run, whenever. */
function sealing<Row extends { id: string }>(db: DataSource, name: string, kind: Sealable<Row>): Job {
  let since = new Date(0);
  return {
    name,
    everyMs: seconds(1),
    run: async (stopping) => {
      const began = new Date(Date.now() - seconds(3_600));
      while ((await db.transaction((transaction) => seal(transaction, kind, since))) > 0) {
        if (stopping.aborted) throw new Problem('unavailable', 'cannot seal the rest: site stops');
      }
      since = began;
    },
  };
}
