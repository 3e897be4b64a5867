export * from './records.js';
export { lineFault, longestName, longestReference, type LineFault } from './line.js';
export { routes, type Route, type RouteName } from './routes.js';
export type { BodyOf, ParamsOfRoute, QueryOf, ReplyOf } from './typed.js';
export { ProblemBody, problemType } from './problem-body.js';
