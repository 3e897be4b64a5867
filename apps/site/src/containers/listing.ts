import type { Container, ResultOf, Usage } from '@berth/con-protocol';
import type { z } from 'zod';
import type { Numbers } from '@berth/site-api';

type Rates = z.output<typeof Numbers>;

/** What a host said of its containers, and what two answers together tell. */
export type Listing = Readonly<{
  version: string;
  containers: ReadonlyMap<string, Container>;
  usage: ReadonlyMap<string, Usage>;
  numbers: ReadonlyMap<string, Rates>;
  /** The host's own clock: rates are made from it, and skew does not matter. */
  hostTime: number;
}>;

/** An answer laid upon the one before: con leaves the containers out where none has changed. */
export function nextListing(before: Listing | undefined, answer: ResultOf<'containers.list'>): Listing {
  const hostTime = Date.parse(answer.observedAt);
  const usage = new Map(answer.usage.map((one) => [one.id, one]));
  const elapsed = before ? BigInt(Math.max(0, hostTime - before.hostTime)) : 0n;
  const numbers = [...usage.values()].flatMap((now) => {
    const rates = ratesOf(now, before?.usage.get(now.id), elapsed);
    return rates ? [[now.id, rates] as const] : [];
  });
  const containers = answer.containers
    ? new Map(answer.containers.map((one) => [one.id, one]))
    : (before?.containers ?? new Map<string, Container>());
  return { version: answer.version, containers, usage, numbers: new Map(numbers), hostTime };
}

/** More than any machine has: a million cores, and what a signed 64-bit integer holds. */
const most = { cpuMillis: 10n ** 9n, bytes: 2n ** 63n } as const;

/**
 * Thousandths of a core: a nanosecond of CPU a microsecond of time is one. A counter that fell back starts anew. Absent
 * where the host tells what cannot be: a number of one container must not keep the others from being shown.
 */
function ratesOf(now: Usage, before: Usage | undefined, elapsedMs: bigint): Rates | undefined {
  const { memoryBytes, bytesIn, bytesOut } = now;
  if ([memoryBytes, bytesIn, bytesOut].some((bytes) => bytes < 0n || bytes >= most.bytes)) return undefined;
  const spent = before && now.cpuNanos >= before.cpuNanos ? now.cpuNanos - before.cpuNanos : 0n;
  const cpuMillis = elapsedMs > 0n ? spent / (elapsedMs * 1000n) : 0n;
  if (cpuMillis > most.cpuMillis) return undefined;
  return { cpuMillis: Number(cpuMillis), memoryBytes, bytesIn, bytesOut };
}
