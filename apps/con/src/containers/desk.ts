import type { Action } from '@berth/container';
import type { Container } from '@berth/con-protocol';
import type { Change, ContainerRecord } from './record.js';
import type { Settling } from './settling.js';

/** How a part of the containers room works on one container: found, allowed, one at a time, on record first. */
export type Desk = Readonly<{
  /** @throws Problem `not_found` */
  must: (id: string) => ContainerRecord;
  /** @throws Problem `conflict` */
  mustAllow: (action: Action, record: ContainerRecord) => void;
  isAllowed: (action: Action, record: ContainerRecord) => boolean;
  moment: Settling['moment'];
  copy: Settling['copy'];
  during: Settling['during'];
  settle: Settling['settle'];
  /** Its disk holds another amount from now on. */
  weigh: (record: ContainerRecord) => Promise<void>;
  change: (record: ContainerRecord, change: Change) => ContainerRecord;
  /** One commit. */
  together: <T>(work: () => T) => T;
  shown: (id: string) => Container;
}>;
