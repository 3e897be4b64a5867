export { decimal, instant } from './values.js';
export * from './records.js';
export { methods, protocolVersion, type Method, type MethodName } from './methods.js';
export type { ConClient, ConHandlers, ParamsOf, ResultOf } from './typed.js';
export { conClient, faultsOf } from './client.js';
export { nameOf, reach, type Endpoint } from './endpoint.js';
export { Unreachable } from './exchange.js';
export { faultCodes, faultOf, problemOf } from './faults.js';
export { putStream } from './upload.js';
