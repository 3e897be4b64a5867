import type { Facing, Front } from '../front.js';

/** Remembers what it was to show, and answers nobody. */
export class FakeFront implements Front {
  readonly lacks = undefined;
  shown: readonly Facing[] = [];

  constructor(readonly domain: string) {}

  url(host: string): string {
    return `https://${host}`;
  }

  show(all: readonly Facing[]): Promise<void> {
    this.shown = all;
    return Promise.resolve();
  }

  hold(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
