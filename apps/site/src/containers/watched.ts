/** Something asked of a host again and again. Its last answer is kept in memory; asking never fails and never piles up. */
export class Watched<T> {
  private answer: { value: T; at: number } | undefined;
  private trouble: { reason: string; since: number } | undefined;
  private inFlight: Promise<void> | undefined;
  private askedAt = -Infinity;

  constructor(
    private readonly ask: (before: T | undefined, signal: AbortSignal) => Promise<T>,
    private readonly pace: Readonly<{ everyMs: number; timeoutMs: number; now?: () => number }>,
  ) {}

  get value(): T | undefined {
    return this.answer?.value;
  }

  /** When the last answer came. */
  get answeredAt(): number | undefined {
    return this.answer?.at;
  }

  /** Why the last question had no answer, and since when that is so; `undefined` once it had one. */
  get failure(): Readonly<{ reason: string; since: number }> | undefined {
    return this.trouble;
  }

  /** Asks, unless that was done just now or is being done: then whoever waits shares that answer. */
  refresh(): Promise<void> {
    if (this.inFlight) return this.inFlight;
    if (this.now() - this.askedAt < this.pace.everyMs) return Promise.resolve();
    this.askedAt = this.now();
    this.inFlight = this.once().finally(() => (this.inFlight = undefined));
    return this.inFlight;
  }

  private async once(): Promise<void> {
    const signal = AbortSignal.timeout(this.pace.timeoutMs);
    try {
      const value = await Promise.race([this.ask(this.answer?.value, signal), silence(signal, this.pace.timeoutMs)]);
      this.answer = { value, at: this.now() };
      this.trouble = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.trouble = { reason, since: this.trouble?.since ?? this.now() };
    }
  }

  private now(): number {
    return (this.pace.now ?? Date.now)();
  }
}

/** Not even a client that forgets its signal may hold us longer. */
function silence(signal: AbortSignal, timeoutMs: number): Promise<never> {
  return new Promise((_, fail) =>
    signal.addEventListener('abort', () => fail(new Error(`no answer within ${timeoutMs} ms`)), { once: true }),
  );
}
