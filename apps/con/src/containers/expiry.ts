import type { Warning } from '../host/host.js';
import type { ContainerRecord } from './record.js';
import type { Records } from './records.js';

/** Of a host's containers, one in so many. */
const share = 50;
const fewest = 5;

/** What has been in the trash for its time. */
export function expired(records: Pick<Records, 'all'>, now: Date): ContainerRecord[] {
  return [...records.all()].filter(
    ({ state, trashedUntil }) => state === 'trashed' && trashedUntil && trashedUntil <= now,
  );
}

/**
 * Whether so many are destroyed without a word: 5, or 2 % of the host's containers. More at once is seldom a trash that is
 * emptied; it is a clock or a record that is wrong, and what was destroyed does not come back.
 */
export function isOrdinary(count: number, containers: number): boolean {
  return count <= Math.max(fewest, Math.floor(containers / share));
}

export function heldBack(count: number): Warning {
  return {
    what: `${count} containers have been in the trash for their time, and were kept: so many at once may be a mistake`,
    cure: 'look at the clock and at con containers list; where it is right, run: con containers expire --all',
  };
}
