import type { EntityManager } from 'typeorm';
import { greatestSkewMs } from './journal.js';

type Warning = Readonly<{ what: string; cure: string }>;

type Row = Readonly<{
  host: string;
  skewMs: string | null;
  epoch: number;
  aside: string;
  reason: string | null;
  readAt: Date | null;
}>;

/** The collector comes by every two seconds. */
const greatestSilenceMs = 5 * 60_000;

/** What an operator should see to before a bill is wrong, by host. */
export async function journalWarnings(db: EntityManager, now = Date.now()): Promise<Map<string, Warning[]>> {
  const rows: Row[] = await db.query(
    `select host, skew_ms as "skewMs", epoch, coalesce(count, 0) as aside, reason,
              observed_at - coalesce(skew_ms, 0) * interval '1 ms' as "readAt"
         from usage_cursor left join (
           select host, count(*), (array_agg(reason order by recorded_at desc))[1] as reason
             from usage_set_aside group by host
         ) as aside using (host)`,
  );
  return new Map(
    rows.map(({ host, skewMs, epoch, aside, reason, readAt }) => [
      host,
      [
        ...(Math.abs(Number(skewMs ?? 0)) > greatestSkewMs ? [skewed(Number(skewMs))] : []),
        ...(readAt && readAt.getTime() < now - greatestSilenceMs ? [unread(readAt)] : []),
        ...(epoch > 1 ? [rewound] : []),
        ...(aside === '0' ? [] : [setAside(aside, reason ?? '')]),
      ],
    ]),
  );
}

function unread(since: Date): Warning {
  return {
    what: `Its journal was last read at ${since.toISOString().slice(0, 16)}Z.`,
    cure: 'Nothing that was used there since is billed yet; look at the host, and at the log of site.',
  };
}

function skewed(ms: number): Warning {
  return {
    what: `Its clock and ours differ by ${Math.round(ms / 1000)} s.`,
    cure: 'Let both follow a time server. No amount changes by it.',
  };
}

const rewound: Warning = {
  what: 'Its journal went back to a backup.',
  cure: 'What it told before stays as it was billed; what it measured in between and lost is not billed.',
};

function setAside(count: string, reason: string): Warning {
  return {
    what: `${count} samples of it are not believed and not billed; the last because ${reason}.`,
    cure: 'Look at them in the table usage_set_aside, and at the host.',
  };
}
