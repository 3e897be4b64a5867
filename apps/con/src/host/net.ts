import type { Slot } from './runtime.js';

export type Protocol = 'tcp' | 'udp';

/** A port of the host that leads to a port of a container. */
export type Forwarding = Readonly<{
  protocol: Protocol;
  hostPort: number;
  address: string;
  port: number;
  /** Networks in canonical CIDR notation that alone may come this way; absent: everybody may. */
  sources?: readonly string[];
}>;

/** What a container may do beyond what the constant rules allow everybody. */
export type Grants = Readonly<{
  /** Send mail to strangers (port 25). */
  smtp?: boolean;
  /** Private networks by number, at most four: who shares one may talk to each other. */
  networks?: readonly number[];
  /** What is beyond is dropped; absent: as much as the host has. */
  outBytesPerSecond?: number;
  inBytesPerSecond?: number;
}>;

/** Bytes at a container's own address since the element was made: to it and from it. */
export type Traffic = Readonly<{ bytesIn: bigint; bytesOut: bigint }>;

/** Addresses and forwards: constant rules, changing elements. The veth itself is made by the runtime's start. */
export interface Net {
  /** Makes the table stand as the records say, whatever stood before; counters of addresses that stay are kept. */
  sync(wanted: {
    addresses: readonly { slot: Slot; address: string; grants?: Grants }[];
    forwards: readonly Forwarding[];
  }): Promise<void>;
  /** Adds elements. Already there is success. */
  open(slot: Slot, address: string, forwards: readonly Forwarding[], grants?: Grants): Promise<void>;
  /** Makes what stands at an open address be exactly this; connections that were let in and would not be any more end. */
  change(slot: Slot, address: string, forwards: readonly Forwarding[], grants?: Grants): Promise<void>;
  /** Removes all that stands at an address, and the connections tracked through it. Already absent is success. */
  close(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void>;
  /**
   * To be asked every few seconds: makes good what a foreign hand took out of the table since, and follows the host's
   * name servers and ways out. Answers whether the rules had been touched.
   */
  hold(): Promise<boolean>;
  /** By address. */
  traffic(): Promise<ReadonlyMap<string, Traffic>>;
  /** Whether the host itself listens at that port, at any of its addresses: a forward would take its place. */
  serves(protocol: Protocol, port: number): boolean;
  /** Its IPv6 address, where the host has IPv6. */
  address6(slot: Slot): string | undefined;
  /** Where forwarded ports answer: a host name or an address. */
  readonly appsHost: string;
}
