/** The cumulative counters of one life. */
export type Counters = Readonly<{ cpuNanos: bigint; bytesIn: bigint; bytesOut: bigint }>;

/** What is held from one cut to the next. */
export type Held = Readonly<{ memoryBytes: bigint; diskBytes: bigint }>;

/** An interval as it was lived: from and to are labels of wall time, `ms` is how long it was by a clock that never goes back. */
export type Lived = Readonly<{
  /** Whether its processes ran all the while: run time and memory are used then. */
  runs: boolean;
  fromMs: number;
  toMs: number;
  ms: bigint;
  held: Held;
  before: Counters;
  after: Counters;
}>;

export type Deltas = Readonly<{
  runMs: bigint;
  cpuNanos: bigint;
  memoryByteSeconds: bigint;
  diskByteSeconds: bigint;
  bytesIn: bigint;
  bytesOut: bigint;
}>;

export type Piece = Readonly<{ fromMs: number; toMs: number; deltas: Deltas }>;

const hourMs = 3_600_000;
const longestMs = 400 * 24 * hourMs;

/** What was used in an interval. */
export function deltasOf({ runs, ms, held, before, after }: Lived): Deltas {
  return {
    runMs: runs ? ms : 0n,
    cpuNanos: grown(before.cpuNanos, after.cpuNanos),
    memoryByteSeconds: runs ? (held.memoryBytes * ms) / 1_000n : 0n,
    diskByteSeconds: (held.diskBytes * ms) / 1_000n,
    bytesIn: grown(before.bytesIn, after.bytesIn),
    bytesOut: grown(before.bytesOut, after.bytesOut),
  };
}

/** A counter that fell back began anew from zero: all it shows is new. */
export function grown(before: bigint, after: bigint): bigint {
  return after >= before ? after - before : after;
}

/**
 * An interval cut at each UTC hour, its use spread by time; what does not divide goes to the last piece, so that the
 * pieces add up to the whole.
 */
export function pieces(lived: Lived): readonly Piece[] {
  const whole = deltasOf(lived);
  const { fromMs, toMs } = lived;
  const edges = [fromMs];
  const isSane = toMs - fromMs < longestMs; // a clock that jumps by years must not make a sample of every hour of them
  for (let edge = (Math.floor(fromMs / hourMs) + 1) * hourMs; isSane && edge < toMs; edge += hourMs) edges.push(edge);
  edges.push(toMs);
  let left = whole;
  return edges.slice(1).map((to, at) => {
    const from = edges[at] ?? fromMs;
    const isLast = at === edges.length - 2;
    const deltas = isLast ? left : share(whole, BigInt(to - from), BigInt(toMs - fromMs));
    left = minus(left, deltas);
    return { fromMs: from, toMs: to, deltas };
  });
}

function share(whole: Deltas, part: bigint, all: bigint): Deltas {
  return map(whole, (key) => (whole[key] * part) / all);
}

function minus(one: Deltas, other: Deltas): Deltas {
  return map(one, (key) => one[key] - other[key]);
}

function map(like: Deltas, value: (key: keyof Deltas) => bigint): Deltas {
  return Object.fromEntries(Object.keys(like).map((key) => [key, value(key as keyof Deltas)])) as Deltas;
}
