import { can, type Action } from '@berth/container';
import type { Container, ContainerState } from '@berth/site-api';
import type { Key } from '../ui/language.js';

export type Colour = 'on' | 'off' | 'moving' | 'unknown';
export type ShownState = Readonly<{
  state: ContainerState | 'gone' | (typeof onTheWay)[keyof typeof onTheWay];
  colour: Colour;
  since: string;
}>;
export type Doubt = Readonly<{ isGone: boolean; staleSince: string | undefined; asked: Container['asked'] }>;

const onTheWay = {
  start: 'starting',
  stop: 'stopping',
  kill: 'stopping',
  restart: 'restarting',
  freeze: 'freezing',
  thaw: 'thawing',
  trash: 'trashing',
  restore: 'restoring',
  destroy: 'destroying',
} as const;

/** Red is off, green is on, amber moves, grey is unknown. What is not known is never shown as on. */
export function shownState(container: Container, { isGone, staleSince, asked }: Doubt): ShownState {
  if (isGone) return { state: 'gone', colour: 'unknown', since: container.since };
  if (staleSince !== undefined) return { state: 'unknown', colour: 'unknown', since: staleSince };
  if (container.state === 'unknown') return { state: 'unknown', colour: 'unknown', since: container.since };
  if (asked) return { state: onTheWay[asked], colour: 'moving', since: container.since };
  return { state: container.state, colour: colours[container.state], since: container.since };
}

const colours: Readonly<Record<ContainerState, Colour>> = {
  running: 'on',
  stopped: 'off',
  failed: 'off',
  trashed: 'off',
  frozen: 'moving',
  creating: 'moving',
  starting: 'moving',
  stopping: 'moving',
  restoring: 'moving',
  destroying: 'moving',
  unknown: 'unknown',
};

/** Why an action cannot be done now, as a key of the catalogue; nothing when it can. The table is the server's own. */
export function whyNot(action: Action, container: Container, { isGone, staleSince, asked }: Doubt): Key | undefined {
  if (isGone) return 'why.gone';
  if (staleSince !== undefined || container.state === 'unknown') return 'why.unknown';
  if (asked) return 'why.asked';
  const verdict = can(action, container.state);
  return verdict.allowed ? undefined : `why.${verdict.because}`;
}
