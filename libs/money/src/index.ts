export { type Nanos, nanosPerUnit, nanosPerCent, roundHalfEven, toCents } from './nanos.js';
export { formatNanos } from './format.js';
