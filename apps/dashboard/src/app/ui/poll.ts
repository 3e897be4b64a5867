import { DestroyRef, DOCUMENT, inject } from '@angular/core';

/**
 * Does `work` again and again for as long as the page that asked lives: not in a hidden tab, never twice at once, and
 * at once when the tab is shown again. Needs an injection context.
 * @returns does it now; where it is being done already, once more right after, so that the answer is younger than the call.
 */
export function poll(work: () => Promise<void>, { everyMs }: { everyMs: number }): () => Promise<void> {
  const document = inject(DOCUMENT);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | undefined;
  let isOver = false;

  const run = (): Promise<void> => {
    clearTimeout(timer);
    running = work().finally(() => {
      running = undefined;
      if (!isOver && !document.hidden) timer = setTimeout(run, everyMs);
    });
    return running;
  };
  const now = async (): Promise<void> => {
    while (running) await running;
    await run();
  };
  const onVisibility = () => {
    clearTimeout(timer);
    if (!document.hidden && !running) void run();
  };

  document.addEventListener('visibilitychange', onVisibility);
  inject(DestroyRef).onDestroy(() => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisibility);
  });
  if (!document.hidden) void run();
  return now;
}
