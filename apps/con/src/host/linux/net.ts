import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Forwarding, Net, Traffic } from '../net.js';
import type { Slot } from '../runtime.js';
import { run } from './exec.js';
import { gateway, vethOf } from './names.js';
import {
  additions,
  constantRules,
  known,
  lineSources,
  listed,
  portKey,
  removals,
  tableOf,
  targetOf,
  trafficOf,
  type Elements,
  type Listed,
} from './nft.js';
import { mirrorServices, nameServices } from './services.js';

/** Room for a table of 65,000 containers. */
const longest = 32 * 1024 * 1024;

type Wanted = Parameters<Net['sync']>[0];

/** One nftables table and one route; changes go one after another, because each looks before it writes. */
export class LinuxNet implements Net {
  readonly appsHost: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly config: Config) {
    this.appsHost = config.appsHost ?? defaultAddress() ?? '127.0.0.1';
  }

  sync(wanted: Wanted): Promise<void> {
    return this.inTurn(async () => {
      await this.holdPool();
      await this.beGateway();
      const mirrors = await mirrorServices(this.config);
      const elements = { ...this.elements(wanted), services: new Set([...nameServices(), ...mirrors]) };
      const stands = await this.list();
      if (!stands) return this.nft([...constantRules(this.config), ...additions(this.config, elements)]);
      const foreign =
        stands.chains.some((chain) => !known.chains.includes(chain)) || stands.sets.length !== known.sets.length;
      await (foreign ? this.replace(elements, stands.elements) : this.adjust(elements, stands.elements));
    });
  }

  open(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void> {
    const elements = this.elements({ addresses: [{ slot, address }], forwards });
    return this.inTurn(() =>
      this.nft(additions(this.config, { ...elements, sources: new Set([this.source(slot, address)]) })),
    );
  }

  close(slot: Slot, address: string, forwards: readonly Forwarding[]): Promise<void> {
    return this.inTurn(async () => {
      const stands = await this.list();
      if (!stands) return;
      const { from, to, sources, forwards: standing } = stands.elements;
      const source = this.source(slot, address);
      const ports = forwards.filter((one) => standing.get(portKey(one)) === targetOf(one)).map(portKey);
      await this.nft([
        ...removals(this.config, 'forwards', ports),
        ...removals(this.config, 'from', from.has(address) ? [address] : []),
        ...removals(this.config, 'to', to.has(address) ? [address] : []),
        ...removals(this.config, 'sources', sources.has(source) ? [source] : []),
      ]);
      await this.forgetConnections(address);
    });
  }

  async traffic(): Promise<ReadonlyMap<string, Traffic>> {
    const [from, to] = await Promise.all([this.list('from'), this.list('to')]);
    return from && to ? trafficOf({ from: from.elements.from, to: to.elements.to }) : new Map();
  }

  /** Resolves once no change is under way. */
  async settled(): Promise<void> {
    await this.last;
  }

  /** Takes table and route away: from then on containers have no network. Already absent is success. */
  remove(): Promise<void> {
    return this.inTurn(async () => {
      // Adding it first makes deleting it succeed, whatever stood there.
      await this.nft([`add table inet ${tableOf(this.config)}`, `delete table inet ${tableOf(this.config)}`]);
      await run(['ip', 'route', 'delete', 'blackhole', this.config.addressPool]);
      const { output } = await run(['nft', 'list', 'tables', 'inet']);
      if (!/^table inet berth_/m.test(output)) await run(['ip', 'address', 'delete', `${gateway}/32`, 'dev', 'lo']);
    });
  }

  /** Keeps elements and their counters, and replaces the rules in the same breath. */
  private adjust(wanted: Elements, stands: Elements): Promise<void> {
    const extra = (has: Iterable<string>, wants: { has(key: string): boolean }): string[] =>
      [...has].filter((key) => !wants.has(key));
    const moved = [...stands.forwards].filter(([port, target]) => wanted.forwards.get(port) !== target);
    return this.nft([
      ...constantRules(this.config),
      ...removals(this.config, 'from', extra(stands.from.keys(), wanted.from)),
      ...removals(this.config, 'to', extra(stands.to.keys(), wanted.to)),
      ...removals(this.config, 'sources', extra(stands.sources, wanted.sources)),
      ...removals(this.config, 'uplinks', extra(stands.uplinks, wanted.uplinks)),
      ...removals(this.config, 'services', extra(stands.services, wanted.services)),
      ...removals(
        this.config,
        'forwards',
        moved.map(([port]) => port),
      ),
      ...additions(this.config, wanted),
    ]);
  }

  /** For a table that another version of con made: bytes are handed over, the rest is made anew. */
  private replace(wanted: Elements, stands: Elements): Promise<void> {
    const kept = (addresses: ReadonlyMap<string, bigint>, counted: ReadonlyMap<string, bigint>): Map<string, bigint> =>
      new Map([...addresses.keys()].map((address) => [address, counted.get(address) ?? 0n]));
    return this.nft([
      `delete table inet ${tableOf(this.config)}`,
      ...constantRules(this.config),
      ...additions(this.config, {
        ...wanted,
        from: kept(wanted.from, stands.from),
        to: kept(wanted.to, stands.to),
      }),
    ]);
  }

  private elements({ addresses, forwards }: Wanted): Elements {
    const counted = new Map(addresses.map(({ address }) => [address, 0n]));
    return {
      from: counted,
      to: counted,
      sources: new Set([
        ...lineSources(this.config),
        ...addresses.map(({ slot, address }) => this.source(slot, address)),
      ]),
      forwards: new Map(forwards.map((one) => [portKey(one), targetOf(one)])),
      uplinks: new Set(defaultInterfaces()),
      services: nameServices(),
    };
  }

  private source(slot: Slot, address: string): string {
    return `${vethOf(this.config, slot)} . ${address}`;
  }

  /** The whole table, or one set of it; absent where there is none. One set a command: nft 1.0.6 fails at two. */
  private async list(set?: 'from' | 'to'): Promise<Listed | undefined> {
    const words = set ? ['set', 'inet', tableOf(this.config), set] : ['table', 'inet', tableOf(this.config)];
    const { code, output, errors } = await run(['nft', 'list', ...words], { maxBytes: longest });
    if (code === 0) return listed(output);
    if (errors.includes('No such file or directory')) return undefined;
    throw new Problem('internal', `cannot read the nftables table ${tableOf(this.config)}: ${errors}`);
  }

  private async nft(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { code, errors } = await run(['nft', '-f', '-'], { input: `${lines.join('\n')}\n` });
    if (code !== 0)
      throw new Problem('internal', `cannot change the nftables table ${tableOf(this.config)}: ${errors}`);
  }

  /** Without it, packets to a stopped container's address leave the host by the default route. */
  private async holdPool(): Promise<void> {
    const pool = this.config.addressPool;
    const { code, errors } = await run(['ip', 'route', 'replace', 'blackhole', pool]);
    if (code !== 0) throw new Problem('internal', `cannot hold the addresses ${pool} for containers: ${errors}`);
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

  /** The kernel lets established connections live on after their rule has gone; by source, then by who answered. */
  private async forgetConnections(address: string): Promise<void> {
    if (!existsSync('/usr/sbin/conntrack')) return; // prepare() warns of it
    const sides = ['--orig-src', '--reply-src'];
    for (const { code, errors } of await Promise.all(sides.map((side) => run(['conntrack', '-D', side, address])))) {
      if (code !== 0 && !/ 0 flow entries/.test(errors)) {
        throw new Problem('internal', `cannot end the connections of ${address}: ${errors}`);
      }
    }
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.last.then(task, task);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/** Interfaces that a default route leads out of (proc(5), /proc/net/route: destination and mask 0). */
export function defaultInterfaces(): string[] {
  const lines = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1);
  const fields = lines
    .map((line) => line.split('\t'))
    .filter((line) => line[1] === '00000000' && line[7] === '00000000');
  return [...new Set(fields.map(([name = '']) => name))];
}

export function defaultAddress(): string | undefined {
  const interfaces = networkInterfaces();
  return defaultInterfaces()
    .flatMap((name) => interfaces[name] ?? [])
    .find((one) => one.family === 'IPv4')?.address;
}
