import { signal, type Signal } from '@angular/core';
import { poll } from './poll.js';
import { problemOf, type SiteProblem } from '../site/site-problem.js';

/** Something a page reads: on its way, there, or refused. What was there stays while it is read again. */
export type Loaded<T> = Readonly<{
  value: Signal<T | undefined>;
  problem: Signal<SiteProblem | undefined>;
  reload: () => Promise<void>;
}>;

/** @param everyMs how often it is read again while the page is looked at; once where absent. Needs an injection context. */
export function loaded<T>(read: () => Promise<T>, { everyMs }: { everyMs?: number } = {}): Loaded<T> {
  const value = signal<T | undefined>(undefined);
  const problem = signal<SiteProblem | undefined>(undefined);
  const reload = async () => {
    try {
      value.set(await read());
      problem.set(undefined);
    } catch (thrown) {
      problem.set(problemOf(thrown));
    }
  };
  if (everyMs !== undefined)
    return { value: value.asReadonly(), problem: problem.asReadonly(), reload: poll(reload, { everyMs }) };
  void reload();
  return { value: value.asReadonly(), problem: problem.asReadonly(), reload };
}
