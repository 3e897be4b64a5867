/**
 * What containers ask of those who keep the books. They learn a yes or a no, and amounts only to pass them on: this room
 * does no arithmetic with money.
 */
export abstract class Terms {
  /** Those of these customers who may turn something on now, and keep on what is on. */
  abstract mayRun(customerIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Cost since midnight in the billing time zone, VAT included, by lease. */
  abstract costToday(leaseIds: readonly string[]): Promise<ReadonlyMap<string, bigint>>;
  /** What an hour on costs under that tag, VAT included. */
  abstract hourNanos(tariffTag: string): bigint;
}
