import { signal, type Signal } from '@angular/core';
import { problemOf, type SiteProblem } from '../site/site-problem.js';

/** Something a page reads once: on its way, there, or refused. What was there stays while it is read again. */
export type Loaded<T> = Readonly<{
  value: Signal<T | undefined>;
  problem: Signal<SiteProblem | undefined>;
  reload: () => Promise<void>;
}>;

export function loaded<T>(read: () => Promise<T>): Loaded<T> {
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
  void reload();
  return { value: value.asReadonly(), problem: problem.asReadonly(), reload };
}
