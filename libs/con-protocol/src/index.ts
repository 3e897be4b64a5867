export { decimal, instant } from './values.js';
export * from './records.js';
export { methods, protocolVersion, type Method, type MethodName } from './methods.js';
export type { ConClient, ConHandlers, ParamsOf, ResultOf } from './typed.js';
