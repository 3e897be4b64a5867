import { z } from 'zod';

/**
 * XML-RPC's `<int>` is 32 bits wide and Python cannot marshal more, so every byte, nanosecond and amount travels as a
 * decimal string and is a `bigint` on both sides.
 */
export const decimal = z.codec(z.string().regex(/^(0|-?[1-9]\d{0,38})$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});

/** A place in something that is read on from, or a size that is announced: what fits a signed 64-bit integer. */
export const position = decimal.refine((value) => value >= 0n && value < 2n ** 63n, 'must be from 0 to 2^63 - 1');

/** ISO 8601 in UTC, as `Date.toISOString` writes it. */
export const instant = z.iso.datetime();

/** A whole number that fits XML-RPC's `<int>`. */
export const int = z.int32();
