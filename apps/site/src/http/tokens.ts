/** What the wiring provides to every room: `@Inject(CONFIG) config: Config`, `@Inject(LOG) log: Logger` of pino. */
export const CONFIG = Symbol('config');
export const LOG = Symbol('log');
