import { isOn } from '@berth/container';
import type { Host, Warning } from '../host/host.js';
import type { Slot } from '../host/runtime.js';
import type { Numbers } from '../network/numbers.js';
import { readCarried } from './carried.js';
import { forwardings, grantsOf } from './life.js';
import type { ContainerRecord } from './record.js';
import type { Records } from './records.js';

type Needs = Readonly<{
  records: Records;
  numbers: Pick<Numbers, 'keepFrom' | 'mayKeepRange' | 'keepRange'>;
  host: Pick<Host, 'runtime' | 'layers' | 'net'>;
  tell: (message: string, error?: unknown) => void;
}>;

/** The table for what lives, as the records say, whatever a crash or a foreign hand left there. */
export async function syncNet(
  { records, host }: Pick<Needs, 'records'> & { host: Pick<Host, 'net'> },
  lives: ReadonlyMap<Slot, unknown>,
): Promise<void> {
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

/** What was read or made anew in a container that is off, by a daemon that ended meanwhile, is let go of. */
export async function unmountLeft({ records, host, tell }: Needs, lives: ReadonlyMap<Slot, unknown>): Promise<void> {
  for (const slot of await host.layers.mounted()) {
    const record = records.at(slot);
    if (!record || lives.has(slot)) continue;
    await host.layers
      .unmount(slot)
      .catch((error: unknown) => tell(`cannot unmount what a daemon before left of ${record.name}`, error));
  }
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
  const texts = unknown.size > 0 ? await host.layers.records() : new Map<Slot, string>();
  return [...unknown].map((slot) => {
    numbers.keepFrom(slot);
    const carried = readCarried(texts.get(slot) ?? '');
    // Nor is the range of ids that its files belong to: its owner shares it with nobody.
    if (carried && numbers.mayKeepRange(carried.owner, carried.range)) numbers.keepRange(carried.owner, carried.range);
    const what = `container ${slot} of this host is in no record of con`;
    tell(`${what}: it is left alone`);
    const cure = carried
      ? 'con recover brings it back'
      : `bring the records back from a backup, or remove its volume ${slot} by hand`;
    return { what, cure };
  });
}
