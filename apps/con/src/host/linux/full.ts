import { Problem } from '@berth/problem';
import { codeOf } from './cgroups.js';

/** Node says ENOSPC and EDQUOT in its own way; people are told what it means. Anything else stays as it is. */
export function whenFull(thrown: unknown, doing: string): unknown {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(thrown));
  return isFull ? new Problem('unavailable', `cannot ${doing}: the disk is full`, { cause: thrown }) : thrown;
}
