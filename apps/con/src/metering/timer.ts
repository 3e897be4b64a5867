/**
 * Does work again and again, never twice at once, up to a tenth sooner or later, so that a thousand hosts do not wake
 * together. @returns what stops it, once the work at hand is done.
 */
export function every(
  milliseconds: number,
  work: () => Promise<void>,
  tell: (message: string, error?: unknown) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout;
  let atWork: Promise<void> = Promise.resolve();
  let isOver = false;
  const next = (): void => {
    if (isOver) return;
    timer = setTimeout(
      () => {
        atWork = work()
          .catch((error: unknown) => tell('cannot finish what is done at intervals', error))
          .then(next);
      },
      milliseconds * (0.9 + 0.2 * Math.random()),
    );
  };
  next();
  return async () => {
    isOver = true;
    clearTimeout(timer);
    await atWork;
  };
}
