/** PostgreSQL's classes for "no connection" (08), "shutting down or not up yet" (57P) and "no room for one" (53300). */
const lostStates = /^(08|57P|53300$)/;
const lostCalls: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT']);
/** What `pg` says of a connection that ended, without a code. */
const lostWords =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Whether a query failed because the database cannot be reached: asking again later may help, and nothing is wrong with us. */
export function isDatabaseLost(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, message, driverError, errors } = error as Partial<Record<string, unknown>>; // perhaps of another realm
  if (typeof code === 'string' && (lostStates.test(code) || (lostCalls.has(code) && 'syscall' in error))) return true;
  if (typeof message === 'string' && lostWords.test(message)) return true;
  if (Array.isArray(errors)) return errors.some(isDatabaseLost); // one for each address of a name
  return driverError !== error && isDatabaseLost(driverError);
}
