import type { Slot } from './runtime.js';

/** A port of the host that leads to a port of a container. */
export type Forwarding = Readonly<{ protocol: 'tcp' | 'udp'; hostPort: number; address: string; port: number }>;

/** Bytes at a container's own address since the element was made: to it and from it. */
export type Traffic = Readonly<{ bytesIn: bigint; bytesOut: bigint }>;

/** Addresses and forwards: constant rules, changing elements. The veth itself is made by the runtime's start. */
export interface Net {
  /** Makes the table stand as the records say, whatever stood before; counters of addresses that stay are kept. */
  sync(wanted: {
    addresses: readonly { slot: Slot; address: string }[];
    forwards: readonly Forwarding[];
  }): Promise<void>;
  /** Adds elements. Already there is success. */
  open(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void>;
  /** Removes elements and the connections tracked through them. Already absent is success. */
  close(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void>;
  /** By address. */
  traffic(): Promise<ReadonlyMap<string, Traffic>>;
  /** Where forwarded ports answer: a host name or an address. */
  readonly appsHost: string;
}
