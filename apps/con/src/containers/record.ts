import { isOn, type Action, type Limits, type State } from '@berth/container';
import type { Forward } from '@berth/con-protocol';
import type { Moment } from '../host/layers.js';
import type { IdRange, Slot } from '../host/runtime.js';

/** What of the network a container has beyond what all have. */
export type RecordedGrants = Readonly<{
  smtp?: boolean;
  /** Private networks of its owner's, by name and con's own number. */
  networks?: readonly Readonly<{ name: string; number: number }>[];
  /** 0 is no limit. */
  outBytesPerSecond?: number;
  inBytesPerSecond?: number;
}>;

/** Names of the Internet: one below the apps' domain, and domains of the owner's; both whole. */
export type Hosts = Readonly<{ name?: string; domains?: readonly string[] }>;

/** What con knows of a container: who asked for what, and which small numbers it was given for that. */
export type ContainerRecord = Readonly<{
  id: string;
  slot: Slot;
  name: string;
  owner: string;
  range: IdRange;
  template: { name: string; version: string };
  /** Pinned: a template that is built anew changes no container. */
  snapshot: string;
  address: string;
  forwards: readonly Forward[];
  grants: RecordedGrants;
  hosts: Hosts;
  limits: Limits;
  tariffTag: string;
  /** Random, for first boot alone; in no answer. */
  secret: string;
  environment: Readonly<Record<string, string>>;
  state: State;
  since: Date;
  reason?: string;
  createdAt: Date;
  trashedUntil?: Date;
  /** How often it was started. */
  boot: number;
  /** Once it is stopped it is to be started: by restart, or because the host itself was restarted. */
  again?: true;
  /** The container that it is to be a copy of, until it is one: what has it set is nothing whole. */
  copyOf?: string;
  /** The moment that is being put in place of what it holds. */
  restoring?: Moment;
  /** Of the life that is known to run: tells a reboot inside from an unbroken life. */
  startedAt?: Date;
}>;

/** What a transition may change. What may be absent is cleared by `null`. */
export type Change = Readonly<
  Partial<{
    state: State;
    reason: string | null;
    trashedUntil: Date | null;
    boot: number;
    startedAt: Date | null;
    again: true | null;
    restoring: Moment | null;
    copyOf: string | null;
    name: string;
    limits: Limits;
    forwards: readonly Forward[];
    grants: RecordedGrants;
    hosts: Hosts;
  }>
>;

/** As far as its record says. */
export function wasOn({ state }: ContainerRecord): boolean {
  return isOn(state) || state === 'starting';
}

export function inWords(state: State): string {
  return state === 'creating' ? 'still being created' : state;
}

const words: Readonly<Partial<Record<Action, string>>> = {
  logs: 'read the log of',
  snapshot: 'keep a snapshot of',
  restoreSnapshot: 'restore a snapshot of',
  removeSnapshot: 'remove a snapshot of',
};

export function doingInWords(action: Action): string {
  return words[action] ?? action;
}
