const millisecondsPerHour = 3_600_000n;
const nanosecondsPerHour = 3_600_000_000_000n;
const bytesPerGiB = 1024n ** 3n;

/** A month of the tariff: 365 × 24 / 12 hours, so that the price of an hour is the same in February. */
export const hoursPerMonth = 730n;

/** What can be charged, in the order in which it is printed. */
export const measures = ['run', 'cpu', 'memory', 'disk', 'traffic'] as const;
export type Measure = (typeof measures)[number];

/**
 * How many of a measure's smallest unit (milliseconds, nanoseconds, byte-seconds, bytes) make the unit that a price is
 * named for: a month of time on, a CPU-hour, a GiB-hour, a GiB.
 */
export const smallestPerPricedUnit: Readonly<Record<Measure, bigint>> = {
  run: hoursPerMonth * millisecondsPerHour,
  cpu: nanosecondsPerHour,
  memory: bytesPerGiB * 3_600n,
  disk: bytesPerGiB * 3_600n,
  traffic: bytesPerGiB,
};

/** An amount of each measure in its smallest unit. */
export type Quantities = Readonly<Record<Measure, bigint>>;

/** A price as a rational: `nanos` for `per` of the smallest unit. Only the amount of a whole hour is ever rounded. */
export type Price = Readonly<{ nanos: bigint; per: bigint }>;
