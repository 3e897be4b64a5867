/** What a customer has and owes, in nanos, VAT included. */
export type Funds = Readonly<{
  /** Top-ups and trial credit less what was invoiced. */
  balanceNanos: bigint;
  /** Used and not yet invoiced, the open hour included. */
  unbilledNanos: bigint;
}>;

export type Standing = Readonly<{ leftNanos: bigint; mayStart: boolean }>;

/** Prepaid: whoever has something left may start; whoever has not may only stop, look and pay. */
export function standingOf({ balanceNanos, unbilledNanos }: Funds): Standing {
  const leftNanos = balanceNanos - unbilledNanos;
  return { leftNanos, mayStart: leftNanos > 0n };
}
