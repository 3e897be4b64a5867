/**
 * Where what had focus leaves the page, the browser puts focus on nothing, and whoever uses the keyboard begins at the top
 * again. Called before, this answers what to do afterwards: the content of the page takes the focus. On a page just
 * opened nothing had it, and nothing takes it.
 */
export function keptFocus(): () => void {
  const before = document.activeElement;
  if (before === null || before === document.body) return () => undefined;
  return () =>
    setTimeout(() => {
      if (document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    });
}
