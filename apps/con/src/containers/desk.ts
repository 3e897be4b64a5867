import type { Action } from '@berth/container';
import type { Container } from '@berth/con-protocol';
import type { Change, ContainerRecord } from './record.js';

/** How a part of the containers room works on one container: found, allowed, one at a time, on record first. */
export type Desk = Readonly<{
  /** @throws Problem `not_found` */
  must: (id: string) => ContainerRecord;
  /** @throws Problem `conflict` */
  mustAllow: (action: Action, record: ContainerRecord) => void;
  /** What is over within moments, and what its caller waits for. */
  moment: (doing: string, id: string, work: () => Promise<void>) => Promise<void>;
  change: (record: ContainerRecord, change: Change) => ContainerRecord;
  /** One commit. */
  together: <T>(work: () => T) => T;
  shown: (id: string) => Container;
}>;
