import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Forwarding, Grants, Net, Protocol, Traffic } from '../net.js';
import type { Slot } from '../runtime.js';
import { elementsOf, lineSources, ofAddress, type Attachment } from './attachment.js';
import { endConnections, endForwarded } from './connections.js';
import { readIfThere } from './cgroups.js';
import { run } from './exec.js';
import { isServed } from './listening.js';
import { gateway } from './names.js';
import { constantRules, known } from './nft-rules.js';
import {
  additions,
  counters,
  elements,
  listed,
  removals,
  tableOf,
  together,
  trafficOf,
  where,
  without,
  type Elements,
  type Listed,
  type SetName,
} from './nft-sets.js';
import { onlink6 } from './onlink6.js';
import { address6, prefix6 } from './prefix6.js';
import { hostServers } from './resolver.js';
import { number6 } from '../version6.js';
import { mirrorServices, nameServices, resolving } from './services.js';

/** Room for a table of 65,000 containers. */
const longest = 32 * 1024 * 1024;

type Wanted = Parameters<Net['sync']>[0];

/** One nftables table and one route; changes go one after another, because each looks before it writes. */
export class LinuxNet implements Net {
  readonly appsHost: string;
  private last: Promise<unknown> = Promise.resolve();
  /** What was asked for since the last sync, by address: what is to be made good where a foreign hand took it away. */
  private readonly told = new Map<string, Attachment>();
  private mirrors: Iterable<string> = [];
  /** The rules as nft printed them when they had just been made, and what else stood then; absent before a sync. */
  private stood: Readonly<{ rules: string; around: string }> | undefined;
  private counted: Elements = elements({});
  /** With the IPv6 prefix as it was when the table was made last. */
  private named: Config & Readonly<{ prefix6: string | undefined }>;

  constructor(
    private readonly config: Config,
    private readonly nameServers = hostServers,
  ) {
    this.named = { ...config, prefix6: prefix6(config) };
    this.appsHost = config.appsHost ?? defaultAddress() ?? '127.0.0.1';
  }

  sync(wanted: Wanted): Promise<void> {
    return this.inTurn(async () => {
      this.told.clear();
      for (const one of attachments(wanted)) this.told.set(one.address, one);
      this.mirrors = await mirrorServices(this.config);
      await this.stand();
    });
  }

  hold(): Promise<boolean> {
    return this.inTurn(async () => {
      if (!this.stood) return false;
      const touched = (await this.rules()) !== this.stood.rules;
      if (touched || this.around() !== this.stood.around) await this.stand();
      return touched;
    });
  }

  open(slot: Slot, address: string, forwards: readonly Forwarding[], grants: Grants = {}): Promise<void> {
    const attachment = { slot, address, forwards, grants };
    return this.inTurn(() => {
      this.told.set(address, attachment);
      return this.nft(additions(this.config, elementsOf(this.named, attachment)));
    });
  }

  change(slot: Slot, address: string, forwards: readonly Forwarding[], grants: Grants = {}): Promise<void> {
    const attachment = { slot, address, forwards, grants };
    return this.inTurn(async () => {
      const [before, after] = [await this.at(address), elementsOf(this.named, attachment)];
      this.told.set(address, attachment);
      const [lost, won] = [without(before, after), without(after, before)];
      await this.swap(lost, won);
      // Who was admitted may not be any more: wherever something of a port was taken away or is narrower now.
      const touched = new Set([
        ...[...lost.admitted.keys(), ...lost.admitted6.keys()].map(portOf),
        ...lost.forwards.keys(),
        ...won.narrowed.keys(),
      ]);
      for (const port of touched) {
        for (const one of [address, this.sixOf(address) ?? []].flat()) await endForwarded(forwardAt(port, one));
      }
    });
  }

  close(_slot: Slot, address: string, _forwards: readonly Forwarding[] = []): Promise<void> {
    return this.inTurn(async () => {
      const before = await this.at(address);
      this.told.delete(address);
      await this.swap(before, elements({}));
      await Promise.all([address, this.sixOf(address) ?? []].flat().map(endConnections));
    });
  }

  serves(protocol: Protocol, port: number): boolean {
    return isServed(protocol, port);
  }

  async traffic(): Promise<ReadonlyMap<string, Traffic>> {
    const sets = ['from', 'to', ...(this.named.prefix6 === undefined ? [] : (['from6', 'to6'] as const))] as const;
    const listed = await Promise.all(sets.map((set) => this.list(set)));
    // Where a foreign hand took the table, the last counts go on once it stands again.
    const there = listed.flatMap((one) => (one ? counters(one.elements) : []));
    if (there.length === sets.length) this.counted = together(...there);
    return trafficOf(this.counted, (six) => this.fourOf(six));
  }

  /** Resolves once no change is under way. */
  async settled(): Promise<void> {
    await this.last;
  }

  /** Takes table and route away: from then on containers have no network. Already absent is success. */
  remove(): Promise<void> {
    return this.inTurn(async () => {
      this.stood = undefined;
      // Adding it first makes deleting it succeed, whatever stood there.
      await this.nft([`add table inet ${tableOf(this.config)}`, `delete table inet ${tableOf(this.config)}`]);
      for (const one of [this.config.addressPool, this.named.prefix6 ?? []].flat()) {
        await run(['ip', 'route', 'delete', 'blackhole', one]);
      }
      const { output } = await run(['nft', 'list', 'tables', 'inet']);
      if (!/^table inet berth_/m.test(output)) await run(['ip', 'address', 'delete', `${gateway}/32`, 'dev', 'lo']);
    });
  }

  /** Makes table and routes stand with all that was told. */
  private async stand(): Promise<void> {
    this.named = { ...this.config, prefix6: prefix6(this.config) };
    await this.holdPool();
    await this.beGateway();
    const around = this.around();
    const own = [...this.told.values()].map((one) => elementsOf(this.named, one));
    const all = together(this.constantElements(), ...own);
    const stands = await this.list();
    if (!stands) {
      await this.nft([
        ...constantRules(this.config, this.named.prefix6),
        ...additions(this.config, this.withCounts(all, this.counted)),
      ]);
    } else {
      const foreign =
        stands.chains.some((chain) => !known.chains.includes(chain)) || stands.sets.length !== known.sets.length;
      await (foreign ? this.replace(all, stands.elements) : this.adjust(all, stands.elements));
    }
    this.stood = { rules: await this.rules(), around };
  }

  /** What stands for an address: as it was told, else as the table has it, which costs a reading of all of it. */
  private async at(address: string): Promise<Elements> {
    const told = this.told.get(address);
    if (told) return elementsOf(this.named, told);
    const stands = await this.list();
    return stands ? ofAddress(stands.elements, address, this.sixOf(address)) : elements({});
  }

  /** One batch; where the table is not what it was told to be, it is made so, as `told` has it by now. */
  private async swap(lost: Elements, won: Elements): Promise<void> {
    const batch = [...removals(this.config, lost), ...additions(this.config, won)];
    const fault = batch.length === 0 ? undefined : await this.tried(batch);
    if (fault === undefined) return;
    if (this.stood) await this.stand();
    else if (await this.list()) throw this.cannotChange(fault); // before a sync nobody knows what else belongs there
  }

  address6(slot: Slot): string | undefined {
    const { prefix6: prefix } = this.named;
    return prefix && address6(prefix, slot);
  }

  /** Both addresses of a container end in its slot. */
  private sixOf(four: string): string | undefined {
    const [, , third = 0, fourth = 0] = four.split('.').map(Number);
    return this.address6(third * 256 + fourth);
  }

  private fourOf(six: string): string {
    const slot = Number(number6(six) & 0xffffn);
    return this.config.addressPool.replace('0.0/16', `${slot >> 8}.${slot & 255}`);
  }

  /** What belongs to no container. */
  private constantElements(): Elements {
    const servers = this.nameServers();
    return elements({
      sources: lineSources(this.config),
      uplinks: defaultInterfaces(),
      services: [...nameServices(servers), ...this.mirrors],
      resolvers: resolving(servers),
      onlink6: onlink6(),
    });
  }

  /** What of the host's own network the table depends on; changes without a word. */
  private around(): string {
    return JSON.stringify([defaultInterfaces(), this.nameServers(), prefix6(this.config), onlink6()]);
  }

  /** The rules as they stand, without what is in the sets; empty where there is no table. */
  private async rules(): Promise<string> {
    // Asked for one table or chain, nft 1.0.6 fetches every element first: a third of a second at 20,000 containers.
    const { output } = await run(['nft', '-t', 'list', 'ruleset', 'inet'], { maxBytes: longest });
    return new RegExp(`^table inet ${tableOf(this.config)} \\{[^]*?^\\}`, 'm').exec(output)?.[0] ?? '';
  }

  private withCounts(all: Elements, counted: Elements): Elements {
    return together(
      all,
      where(counters(counted), (name, key) => all[name].has(key)),
    );
  }

  /** Keeps elements and their counters, and replaces the rules in the same breath. */
  private adjust(wanted: Elements, stands: Elements): Promise<void> {
    return this.nft([
      ...constantRules(this.config, this.named.prefix6),
      ...removals(this.config, without(stands, wanted)),
      ...additions(this.config, without(wanted, stands)),
    ]);
  }

  /** For a table that another version of con made: bytes are handed over, the rest is made anew. */
  private replace(wanted: Elements, stands: Elements): Promise<void> {
    return this.nft([
      `delete table inet ${tableOf(this.config)}`,
      ...constantRules(this.config, this.named.prefix6),
      ...additions(this.config, this.withCounts(wanted, stands)),
    ]);
  }

  /** The whole table, or one set of it; absent where there is none. One set a command: nft 1.0.6 fails at two. */
  private async list(set?: SetName): Promise<Listed | undefined> {
    const words = set ? ['set', 'inet', tableOf(this.config), set] : ['table', 'inet', tableOf(this.config)];
    const { code, output, errors } = await run(['nft', 'list', ...words], { maxBytes: longest });
    if (code === 0) return listed(output);
    if (errors.includes('No such file or directory')) return undefined;
    throw new Problem('internal', `cannot read the nftables table ${tableOf(this.config)}: ${errors}`);
  }

  private async nft(lines: readonly string[]): Promise<void> {
    const fault = lines.length === 0 ? undefined : await this.tried(lines);
    if (fault !== undefined) throw this.cannotChange(fault);
  }

  private cannotChange(fault: string): Problem {
    return new Problem('internal', `cannot change the nftables table ${tableOf(this.config)}: ${fault}`);
  }

  /** All of the lines or none; answers why none. */
  private async tried(lines: readonly string[]): Promise<string | undefined> {
    const { code, errors } = await run(['nft', '-f', '-'], { input: `${lines.join('\n')}\n` });
    return code === 0 ? undefined : errors;
  }

  /** Without it, packets to a stopped container's address leave the host by the default route. */
  private async holdPool(): Promise<void> {
    const pool = this.config.addressPool;
    for (const one of [pool, this.named.prefix6 ?? []].flat()) {
      const { code, errors } = await run(['ip', 'route', 'replace', 'blackhole', one]);
      if (code !== 0) throw new Problem('internal', `cannot hold the addresses ${one} for containers: ${errors}`);
    }
  }

  /**
   * Answers for the gateway that every container has. LXC's own way, a neighbour proxy a veth, was found missing on a
   * veth now and then, for a reason not known yet, and that container had no network. All cons of a host share the
   * address; of scope host, it is never chosen as a source, and rules let nobody in by it.
   */
  private async beGateway(): Promise<void> {
    const { code, errors } = await run(['ip', 'address', 'replace', `${gateway}/32`, 'dev', 'lo', 'scope', 'host']);
    if (code !== 0) throw new Problem('internal', `cannot answer as the containers' gateway ${gateway}: ${errors}`);
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.last.then(task, task);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

function attachments({ addresses, forwards }: Wanted): Attachment[] {
  const byAddress = new Map(addresses.map(({ address }) => [address, [] as Forwarding[]]));
  for (const one of forwards) byAddress.get(one.address)?.push(one);
  return addresses.map((one) => ({ ...one, forwards: byAddress.get(one.address) ?? [] }));
}

const portOf = (admitted: string): string => admitted.split(' . ').slice(0, 2).join(' . ');

function forwardAt(port: string, address: string): Pick<Forwarding, 'protocol' | 'hostPort' | 'address'> {
  const [protocol, hostPort] = port.split(' . ');
  return { protocol: protocol === 'udp' ? 'udp' : 'tcp', hostPort: Number(hostPort), address };
}

/** Interfaces that a default route leads out of (proc(5), /proc/net/route: destination and mask 0). */
export function defaultInterfaces(): string[] {
  const lines = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1);
  const fields = lines
    .map((line) => line.split('\t'))
    .filter((line) => line[1] === '00000000' && line[7] === '00000000');
  const six = (readIfThere('/proc/net/ipv6_route') ?? '').split('\n').map((line) => line.trim().split(/\s+/));
  const default6 = six.filter(
    ([to = '', bits, , , , , , , , name]) => /^0+$/.test(to) && bits === '00' && name !== 'lo',
  );
  return [...new Set([...fields.map(([name = '']) => name), ...default6.map((line) => line[9] ?? '')])];
}

export function defaultAddress(): string | undefined {
  const interfaces = networkInterfaces();
  return defaultInterfaces()
    .flatMap((name) => interfaces[name] ?? [])
    .find((one) => one.family === 'IPv4')?.address;
}
