export * from './records.js';
export { routes, type Route, type RouteName } from './routes.js';
export type { BodyOf, ParamsOfRoute, QueryOf, ReplyOf } from './typed.js';
export { ProblemBody, problemType } from './problem-body.js';
