import { isOn } from '@berth/container';
import type { Host, Warning } from '../host/host.js';
import type { Slot } from '../host/runtime.js';
import type { Numbers } from '../network/numbers.js';
import { forwardings, grantsOf } from './life.js';
import type { ContainerRecord } from './record.js';
import type { Records } from './records.js';

type Needs = Readonly<{
  records: Records;
  numbers: Pick<Numbers, 'keepFrom'>;
  host: Pick<Host, 'runtime' | 'layers' | 'net'>;
  tell: (message: string, error?: unknown) => void;
}>;

/** The table for what lives, as the records say, whatever a crash or a foreign hand left there. */
export async function syncNet({ records, host }: Needs, lives: ReadonlyMap<Slot, unknown>): Promise<void> {
  const on = [...records.all()].filter(({ slot, state }) => lives.has(slot) && (isOn(state) || state === 'stopping'));
  await host.net.sync({
    addresses: on.map((record) => ({ slot: record.slot, address: record.address, grants: grantsOf(record) })),
    forwards: on.flatMap(forwardings),
  });
}

/** A daemon may have ended between the kernel and the record: the record's word counts. */
export async function relimit({ host, tell }: Needs, { slot, name, limits }: ContainerRecord): Promise<void> {
  await host.runtime.limit(slot, limits).catch((error: unknown) => tell(`cannot hold ${name} to its limits`, error));
}

/**
 * Nothing is destroyed because a record is absent: what has none is told of and left alone, and its number is never
 * given to anybody, because a new container would find a stranger's data there.
 */
export async function strangers(
  { records, numbers, host, tell }: Needs,
  running: readonly Slot[],
): Promise<readonly Warning[]> {
  const volumes = await host.layers.volumes();
  const unknown = new Set([...running, ...volumes].filter((slot) => !records.at(slot)));
  return [...unknown].map((slot) => {
    numbers.keepFrom(slot);
    const what = `container ${slot} of this host is in no record of con`;
    tell(`${what}: it is left alone`);
    return { what, cure: `bring the records back from a backup, or remove its volume ${slot} by hand` };
  });
}
