/**
 * What a container is, in one word. The state is the operation: there is no job object beside it.
 *
 * creating → stopped → starting → running → stopping → stopped; running ⇄ frozen; any state in transit → failed;
 * any settled state → trashed → destroying → gone; restoring, which puts a kept state in place, → stopped.
 */
export const states = [
  'creating',
  'stopped',
  'starting',
  'running',
  'stopping',
  'frozen',
  'restoring',
  'trashed',
  'destroying',
  'failed',
] as const;

export type State = (typeof states)[number];

const inTransit: ReadonlySet<State> = new Set(['creating', 'starting', 'stopping', 'restoring', 'destroying']);

/** A state in transit has a deadline and an exit; the others last until somebody acts. */
export function isInTransit(state: State): boolean {
  return inTransit.has(state);
}

/** On is what run seconds are billed for: processes exist, frozen or not. */
export function isOn(state: State): boolean {
  return state === 'running' || state === 'frozen';
}
