/**
 * Refusals that people meet in a page. Each has a sentence in every language there, with blanks for what it names; for
 * everybody else it is the last part of RFC 9457's `type`.
 */
export const problemKinds = [
  'admins-only',
  'another-site',
  'app-not-offered',
  'being-created',
  'cannot-restore-now',
  'cannot-freeze-now',
  'cannot-kill-now',
  'cannot-rename-now',
  'cannot-restart-now',
  'cannot-snapshot-now',
  'cannot-start-now',
  'cannot-stop-now',
  'cannot-thaw-now',
  'cannot-trash-now',
  'credit-used-up',
  'database-silent',
  'host-lost-it',
  'host-not-in-use',
  'host-silent',
  'key-used',
  'login-pending',
  'login-put-away',
  'login-unread',
  'name-taken',
  'not-signed-in',
  'not-yours',
  'offline',
  'outdated-page',
  'reference-used',
  'stale-csrf-token',
  'too-many-containers',
  'too-soon',
  'unexpected',
  'unexplained',
  'unreadable',
  'wrong-password',
] as const;

export type ProblemKind = (typeof problemKinds)[number];

/** What a sentence names: `{ name: 'blog' }`. */
export type Blanks = Readonly<Record<string, string | number>>;

export function isProblemKind(word: unknown): word is ProblemKind {
  return problemKinds.includes(word as ProblemKind);
}
