import type { Forwarding, Net, Protocol, Traffic } from '../net.js';
import type { Slot } from '../runtime.js';
import type { Shelf } from './shelf.js';

export type FakeAddress = Readonly<{ address: string; openedAt: number; hostPorts: readonly number[] }>;

/** Ten kilobytes a second in, a hundred out, for each address since it was opened. */
export class FakeNet implements Net {
  constructor(
    private readonly addresses: Shelf<FakeAddress>,
    readonly appsHost: string,
    private readonly now: () => number,
    private readonly firstCount: bigint,
  ) {}

  async sync({ addresses, forwards }: Parameters<Net['sync']>[0]): Promise<void> {
    const wanted = new Map(addresses.map(({ slot, address }) => [slot, address]));
    for (const slot of this.addresses.numbers()) {
      if (this.addresses.get(slot)?.address !== wanted.get(slot)) this.addresses.take(slot);
    }
    for (const [slot, address] of wanted) {
      await this.open(
        slot,
        address,
        forwards.filter((one) => one.address === address),
      );
    }
  }

  open(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void> {
    const openedAt = this.addresses.get(slot)?.openedAt ?? this.now();
    this.addresses.put(slot, { address, openedAt, hostPorts: forwards.map(({ hostPort }) => hostPort) });
    return Promise.resolve();
  }

  change(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void> {
    return this.addresses.get(slot) ? this.open(slot, address, forwards) : Promise.resolve();
  }

  hold(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Pretends that the host has no IPv6. */
  address6(): undefined {
    return undefined;
  }

  /** Pretends that the host has sshd, and nothing else. */
  serves(protocol: Protocol, port: number): boolean {
    return protocol === 'tcp' && port === 22;
  }

  close(slot: Slot): Promise<void> {
    this.addresses.take(slot);
    return Promise.resolve();
  }

  traffic(): Promise<ReadonlyMap<string, Traffic>> {
    const open = this.addresses.numbers().flatMap((slot) => this.addresses.get(slot) ?? []);
    return Promise.resolve(
      new Map(
        open.map(({ address, openedAt }) => {
          const ms = BigInt(this.now() - openedAt);
          return [address, { bytesIn: this.firstCount + ms * 10n, bytesOut: this.firstCount + ms * 100n }];
        }),
      ),
    );
  }
}
