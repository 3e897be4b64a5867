import type { Still } from '../host/layers.js';
import type { Runtime, Slot } from '../host/runtime.js';

/**
 * Halts a container around what must see nothing move, and lets it run on whatever happens. What does not run, or was
 * frozen by somebody, is left as it is.
 */
export function stillOf(
  runtime: Pick<Runtime, 'running' | 'freeze' | 'thaw'>,
  slot: Slot,
  tell: (message: string, error: unknown) => void,
): Still {
  return async (act) => {
    const life = (await runtime.running()).find((one) => one.slot === slot);
    if (!life || life.frozen) return act();
    try {
      await runtime.freeze(slot);
      return await act();
    } finally {
      // It may have been killed meanwhile: then nothing is left to run on.
      await runtime.thaw(slot).catch((error: unknown) => tell(`cannot let container ${slot} run on`, error));
    }
  };
}
