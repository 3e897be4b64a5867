import { randomUUID } from 'node:crypto';
import { Problem } from '@berth/problem';

/** What makes a request that is sent twice one act; without the header each is an act of its own. @throws Problem `invalid` */
export function readKey(sent: string | undefined): string {
  if (sent === undefined) return randomUUID();
  if (/^[\x21-\x7e]{1,200}$/.test(sent)) return sent;
  throw new Problem('invalid', 'cannot use this Idempotency-Key: it must be 1 to 200 visible ASCII letters');
}
