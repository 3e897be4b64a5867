import type { z } from 'zod';
import type { RouteName, routes } from './routes.js';

type Row<N extends RouteName> = (typeof routes)[N];
type Parts<P extends string> = P extends `${infer Head}/${infer Rest}`
  ? Parts<Head> | Parts<Rest>
  : P extends `:${infer Name}`
    ? Name
    : never;

/** `{ id: string }` of `/api/containers/:id/start`. */
export type ParamsOfRoute<N extends RouteName> = { [K in Parts<Row<N>['path']>]: string };
export type BodyOf<N extends RouteName> = Row<N> extends { body: infer B extends z.ZodType } ? z.output<B> : undefined;
export type QueryOf<N extends RouteName> =
  Row<N> extends { query: infer Q extends z.ZodType } ? z.output<Q> : undefined;
export type ReplyOf<N extends RouteName> = z.output<Row<N>['reply']>;
