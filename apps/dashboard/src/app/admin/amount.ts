/**
 * The nanos of an amount as a person types it: `25`, `12.50`, `12,50`. Digits are put side by side, nothing is computed.
 * @returns `undefined` for anything else, for more than two decimals, and for nothing at all.
 */
export function typedNanos(text: string): bigint | undefined {
  const parts = /^(\d{1,9})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (!parts) return undefined;
  const nanos = BigInt(`${parts[1]}${(parts[2] ?? '').padEnd(9, '0')}`);
  return nanos > 0n ? nanos : undefined;
}
