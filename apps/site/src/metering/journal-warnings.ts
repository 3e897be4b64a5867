import type { EntityManager } from 'typeorm';
import { greatestSkewMs } from './journal.js';

type Warning = Readonly<{ what: string; cure: string }>;

/** What an operator should see to before a bill is wrong, by host. */
export async function journalWarnings(db: EntityManager): Promise<Map<string, Warning[]>> {
  const rows: { host: string; skewMs: string | null; epoch: number; aside: string; reason: string | null }[] =
    await db.query(
      `select host, skew_ms as "skewMs", epoch, coalesce(count, 0) as aside, reason
         from usage_cursor left join (
           select host, count(*), (array_agg(reason order by recorded_at desc))[1] as reason
             from usage_set_aside group by host
         ) as aside using (host)`,
    );
  return new Map(
    rows.map(({ host, skewMs, epoch, aside, reason }) => [
      host,
      [
        ...(Math.abs(Number(skewMs ?? 0)) > greatestSkewMs ? [skewed(Number(skewMs))] : []),
        ...(epoch > 1 ? [rewound] : []),
        ...(aside === '0' ? [] : [setAside(aside, reason ?? '')]),
      ],
    ]),
  );
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
