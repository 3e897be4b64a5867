import type { z } from 'zod';
import type { MethodName, methods } from './methods.js';

export type ParamsOf<N extends MethodName> = z.output<(typeof methods)[N]['params']>;
export type ResultOf<N extends MethodName> = z.output<(typeof methods)[N]['result']>;

/** Every method as a typed call: `client['containers.get']({ id })`. */
export type ConClient = {
  [N in MethodName]: (params: ParamsOf<N>, options?: { signal?: AbortSignal }) => Promise<ResultOf<N>>;
};

/** What a daemon must implement; a row without its handler does not compile. */
export type ConHandlers = {
  [N in MethodName]: (params: ParamsOf<N>) => Promise<ResultOf<N>>;
};
