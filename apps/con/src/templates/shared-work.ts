/** Work that several may wait for. It is given up once the last of them has given up, and not before. */
export class SharedWork<T> {
  private readonly givenUp = new AbortController();
  private readonly result: Promise<T>;
  private waiting = 0;

  constructor(work: (givenUp: AbortSignal) => Promise<T>) {
    this.result = work(this.givenUp.signal);
  }

  get isGivenUp(): boolean {
    return this.givenUp.signal.aborted;
  }

  /** Settles with the work, however it ends: nothing of it is left to do then. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.result]);
  }

  /**
   * What the work answers, unless `signal` ends the wait: at once where others still wait, and otherwise when the work
   * has ended and cleaned up. With `toTheEnd` it waits for that in both cases, because the work reads what it lent.
   */
  async wait(signal: AbortSignal, { toTheEnd }: { toTheEnd: boolean }): Promise<T> {
    signal.throwIfAborted();
    this.waiting += 1;
    let leave: () => void = () => undefined;
    const left = new Promise<'left'>((resolve) => (leave = () => resolve('left')));
    signal.addEventListener('abort', leave, { once: true });
    const came = await Promise.race([Promise.allSettled([this.result]), left]);
    signal.removeEventListener('abort', leave);
    this.waiting -= 1;
    if (came === 'left') {
      const isLast = this.waiting === 0;
      if (isLast) this.givenUp.abort(signal.reason);
      if (isLast || toTheEnd) await this.ended();
      throw signal.reason;
    }
    return this.result;
  }
}
