/** What XML-RPC can carry. Numbers that are whole travel as `<int>`, all others as `<double>`. */
export type Value = string | number | boolean | Date | Uint8Array | readonly Value[] | Struct;

/** Decoded structs have no prototype, so `__proto__` and `constructor` are members like any other. */
export type Struct = { readonly [member: string]: Value | undefined };

/** A message that is not XML-RPC, or exceeds a bound. Its text tells what was wrong and is fit to be shown. */
export class Malformed extends Error {
  override readonly name = 'Malformed';

  constructor(why: string, options?: { cause?: unknown }) {
    super(`cannot read XML-RPC: ${why}`, options);
  }
}

/** A value that XML-RPC cannot carry: the fault of whoever sends it. */
export class Unsendable extends Error {
  override readonly name = 'Unsendable';

  constructor(why: string) {
    super(`cannot send by XML-RPC: ${why}`);
  }
}

/** Bounds on one message, held before and during the parse. */
export type Bounds = Readonly<{
  bytes: number;
  /** Arrays and structs within each other. */
  depth: number;
  /** Values, members of structs and items of arrays among them. */
  values: number;
}>;

export const defaultBounds: Bounds = { bytes: 1024 * 1024, depth: 64, values: 100_000 };
