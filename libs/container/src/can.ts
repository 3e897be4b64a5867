import type { State } from './state.js';

/** The verbs, the same word in page, route, RPC method and command line. */
export type Action =
  | 'start'
  | 'stop'
  | 'restart'
  | 'freeze'
  | 'thaw'
  | 'rename'
  | 'limit'
  | 'forward'
  | 'unforward'
  | 'network'
  | 'join'
  | 'leave'
  | 'domains'
  | 'trash'
  | 'restore'
  | 'destroy'
  | 'exec'
  | 'snapshot'
  | 'restoreSnapshot'
  | 'removeSnapshot'
  | 'duplicate'
  | 'logs';

export type Verdict = { allowed: true } | { allowed: false; because: State };

/** The one table of what is allowed when: con refuses by it, site refuses by it, the dashboard disables buttons by it. */
const allowedIn: Readonly<Record<Action, readonly State[]>> = {
  start: ['stopped', 'failed'],
  stop: ['running', 'frozen', 'starting'],
  restart: ['running', 'frozen'],
  freeze: ['running'],
  thaw: ['frozen'],
  rename: ['stopped', 'running', 'frozen', 'failed'],
  limit: ['stopped', 'running', 'frozen', 'failed'],
  forward: ['stopped', 'running', 'frozen', 'failed'],
  unforward: ['stopped', 'running', 'frozen', 'failed'],
  network: ['stopped', 'running', 'frozen', 'failed'],
  join: ['stopped', 'running', 'frozen', 'failed'],
  domains: ['stopped', 'running', 'frozen', 'failed'],
  leave: ['stopped', 'running', 'frozen', 'failed'],
  trash: ['stopped', 'running', 'frozen', 'failed'],
  restore: ['trashed'],
  destroy: ['trashed', 'failed'],
  exec: ['running'],
  snapshot: ['stopped', 'running', 'frozen'],
  restoreSnapshot: ['stopped', 'failed'],
  removeSnapshot: ['stopped', 'running', 'frozen', 'failed', 'trashed'],
  duplicate: ['stopped', 'running', 'frozen'],
  logs: ['stopped', 'running', 'frozen', 'failed', 'trashed'],
};

export function can(action: Action, state: State): Verdict {
  return allowedIn[action].includes(state) ? { allowed: true } : { allowed: false, because: state };
}
