import type { Chain } from '../host/layers.js';
import { SharedWork } from './shared-work.js';
import type { Workplace, WorkplaceNeeds } from './workplace.js';

/**
 * More layers than this are not put under one line. The kernel's wall is 500 in one overlay, a container's own among
 * them, and every name that is not there is looked for in each.
 */
const most = 250;

/** Keeps chains short: what a long one shows is laid down as one layer before a further line stands on it. */
export class Flat {
  private readonly making = new Map<number, SharedWork<void>>();

  constructor(
    private readonly needs: Pick<WorkplaceNeeds, 'snapshots' | 'layers'>,
    private readonly workplace: Workplace,
    private readonly mostLayers = most,
  ) {}

  /** What a new layer above a snapshot stands on. Lines that want the same at once wait for the same work. */
  async beneath(snapshot: number, givenUp: AbortSignal): Promise<Chain> {
    const { snapshots } = this.needs;
    const chain = snapshots.chain(snapshot);
    if (chain.length < this.mostLayers) return chain;
    const nearest = snapshots.line(snapshot).find(({ layer }) => layer !== undefined);
    if (!nearest) return chain;
    if (nearest.flat !== undefined) return [nearest.flat];
    for (let dying = this.making.get(nearest.id); dying?.isGivenUp; dying = this.making.get(nearest.id))
      await dying.ended();
    const making = this.making.get(nearest.id) ?? this.begin(nearest.id, chain);
    await making.wait(givenUp, { toTheEnd: false });
    const { flat } = snapshots.mustGet(nearest.id);
    return flat === undefined ? chain : [flat];
  }

  private begin(id: number, chain: Chain): SharedWork<void> {
    const making = new SharedWork((givenUp) => this.lay(id, chain, givenUp).finally(() => this.making.delete(id)));
    this.making.set(id, making);
    return making;
  }

  private lay(id: number, chain: Chain, givenUp: AbortSignal): Promise<void> {
    const { snapshots, layers } = this.needs;
    const doing = `lay ${chain.length} layers down as one`;
    return this.workplace.inNewLayer({ doing, givenUp }, async (layer, signal) => {
      const { bytes } = await layers.flatten(layer, chain);
      signal.throwIfAborted(); // nobody waits for it any more, or the daemon stops
      snapshots.flatten(id, layer, bytes);
    });
  }
}
