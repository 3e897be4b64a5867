import type { Sample } from '@berth/con-protocol';
import type { EntityManager } from 'typeorm';

/**
 * Adds samples and, in the same statement, what they add to the sums of their hours: only a sample that was not there
 * before adds anything, so a page may come twice, late or in another order. A container that nobody holds a lease of, or
 * that another host holds, is kept in the journal and billed to nobody.
 */
export async function insertSamples(
  db: EntityManager,
  host: string,
  instance: string,
  samples: readonly Sample[],
): Promise<void> {
  if (samples.length === 0) return;
  await db.query(
    `with fresh as (
       insert into usage_sample (host, instance, seq, lease_id, boot, tariff_tag, state, from_at, to_at,
                                 run_ms, cpu_nanos, memory_byte_seconds, disk_byte_seconds, bytes_in, bytes_out)
       select $2, $1, seq, container, boot, "tariffTag", state, "from", "to",
              "runMs", "cpuNanos", "memoryByteSeconds", "diskByteSeconds", "bytesIn", "bytesOut"
         from jsonb_to_recordset($3::jsonb) as page (
           seq numeric, container text, boot int, "tariffTag" text, state text, "from" timestamptz, "to" timestamptz,
           "runMs" numeric, "cpuNanos" numeric, "memoryByteSeconds" numeric, "diskByteSeconds" numeric,
           "bytesIn" numeric, "bytesOut" numeric)
       on conflict (host, instance, seq) do nothing
       returning *
     )
     insert into usage_sum as held (lease_id, hour, tariff_tag, customer_id, host, run_ms, cpu_nanos,
       memory_byte_seconds, disk_byte_seconds, bytes_in, bytes_out, dirty, fresh_from, fresh_to)
     select fresh.lease_id, date_trunc('hour', from_at, 'UTC') as hour, fresh.tariff_tag, lease.customer_id, $2,
            sum(run_ms), sum(cpu_nanos), sum(memory_byte_seconds), sum(disk_byte_seconds),
            sum(bytes_in), sum(bytes_out), true, min(from_at), max(to_at)
       from fresh join lease on lease.id = fresh.lease_id and lease.host = $2
      group by fresh.lease_id, hour, fresh.tariff_tag, lease.customer_id
      order by fresh.lease_id, hour, fresh.tariff_tag
     on conflict (lease_id, hour, tariff_tag) do update set
       host = excluded.host,
       run_ms = held.run_ms + excluded.run_ms,
       cpu_nanos = held.cpu_nanos + excluded.cpu_nanos,
       memory_byte_seconds = held.memory_byte_seconds + excluded.memory_byte_seconds,
       disk_byte_seconds = held.disk_byte_seconds + excluded.disk_byte_seconds,
       bytes_in = held.bytes_in + excluded.bytes_in,
       bytes_out = held.bytes_out + excluded.bytes_out,
       dirty = true,
       fresh_from = least(held.fresh_from, excluded.fresh_from),
       fresh_to = greatest(held.fresh_to, excluded.fresh_to)`,
    [instance, host, text(samples)],
  );
}

export type Doubted = Readonly<{ sample: Sample; reason: string }>;

/** Keeps what is not believed, with the reason, for a person to look at. It is billed to nobody. */
export async function setAside(
  db: EntityManager,
  host: string,
  instance: string,
  doubted: readonly Doubted[],
): Promise<void> {
  if (doubted.length === 0) return;
  await db.query(
    `insert into usage_set_aside (host, instance, seq, lease_id, reason, body)
     select $1, $2, (one -> 'sample' ->> 'seq')::numeric, one -> 'sample' ->> 'container', one ->> 'reason', one -> 'sample'
       from jsonb_array_elements($3::jsonb) as one
     on conflict do nothing`,
    [host, instance, text(doubted)],
  );
}

function text(value: unknown): string {
  const kept = (_: string, part: unknown): unknown => {
    if (typeof part === 'bigint') return `${part}`;
    return typeof part === 'string' ? part.replaceAll('\0', '\ufffd') : part; // PostgreSQL's text holds no NUL
  };
  return JSON.stringify(value, kept);
}
