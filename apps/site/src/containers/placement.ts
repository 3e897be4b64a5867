/** A host, as far as choosing one goes. */
export type Candidate = Readonly<{ name: string; hasTemplate: boolean; containers: number; memoryFreeBytes: bigint }>;

/** Among the hosts that have the template, the one with the fewest containers; of equals, the one with the most memory free. */
export function place(candidates: readonly Candidate[]): string | undefined {
  const [best] = candidates
    .filter(({ hasTemplate }) => hasTemplate)
    .sort(
      (a, b) =>
        a.containers - b.containers || compare(b.memoryFreeBytes, a.memoryFreeBytes) || (a.name < b.name ? -1 : 1),
    );
  return best?.name;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
