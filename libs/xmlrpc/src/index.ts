export { decodeAnswer, decodeCall, type Answer, type Call } from './decode.js';
export { encodeCall, encodeFault, encodeResult } from './encode.js';
export { defaultBounds, Malformed, Unsendable, type Bounds, type Struct, type Value } from './values.js';
