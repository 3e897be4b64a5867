import type { Config } from '../../config.js';
import type { Forwarding, Traffic } from '../net.js';
import { lineAddress, lineNetworks, lineVeth } from './names.js';

type Named = Pick<Config, 'name'>;
type Ruled = Pick<
  Config,
  'name' | 'addressPool' | 'closedRanges' | 'openRanges' | 'connectionsPerContainer' | 'newConnectionsPerSecond'
>;

/** What changes in the table; the rules do not. */
export type Elements = Readonly<{
  /** Addresses whose bytes are counted, with what was counted already. */
  from: ReadonlyMap<string, bigint>;
  to: ReadonlyMap<string, bigint>;
  /** `interface . address`: who may send as whom. */
  sources: ReadonlySet<string>;
  /** `protocol . port` → `address . port`. */
  forwards: ReadonlyMap<string, string>;
  /** Interfaces that lead out of the host. */
  uplinks: ReadonlySet<string>;
  /** `address . protocol . port`: what is open even where it lies in a closed range. */
  services: ReadonlySet<string>;
}>;

export const tableOf = (config: Named): string => `berth_${config.name}`;

export const sets = ['from', 'to', 'sources', 'forwards', 'uplinks', 'services'] as const;

/** The kernel fills these itself: by address, how many connections there are and how fast new ones come. */
const dynamicSets = ['going', 'coming', 'pace'] as const;

const chains = ['early', 'incoming', 'outgoing', 'translate', 'arriving', 'passing', 'counting'] as const;

const declarations = [
  'set from { type ipv4_addr; size 65536; counter; }',
  'set to { type ipv4_addr; size 65536; counter; }',
  'set sources { type ifname . ipv4_addr; size 131072; }',
  'map forwards { type inet_proto . inet_service : ipv4_addr . inet_service; size 131072; }',
  'set uplinks { type ifname; size 64; }',
  'set services { type ipv4_addr . inet_proto . inet_service; size 1024; }',
  'set going { type ipv4_addr; size 65536; flags dynamic; }',
  'set coming { type ipv4_addr; size 65536; flags dynamic; }',
  'set pace { type ipv4_addr; size 65536; flags dynamic,timeout; timeout 60s; }',
];

/**
 * The constant rules: who may send what to whom.
 *
 * Bytes are counted where a packet enters the host (source) and where it leaves (destination), because a counter in the
 * forward hook sees nothing of what the host's own processes exchange with a container.
 */
function rules(config: Ruled): string[] {
  const inside = `{ "${config.name}v*", "${config.name}b*" }`;
  const pool = config.addressPool;
  const most = config.connectionsPerContainer;
  const pace = config.newConnectionsPerSecond;
  const forward = 'dnat ip to meta l4proto . th dport map @forwards';
  return [
    'early { type filter hook prerouting priority raw; policy accept; }',
    // IPv6, the host's own loopback, and every address but its own are closed to a container.
    `early iifname ${inside} meta nfproto ipv6 drop`,
    `early iifname ${inside} ip daddr 127.0.0.0/8 drop`,
    `early iifname ${inside} iifname . ip saddr != @sources drop`,
    'early ip saddr @from',

    'incoming { type nat hook prerouting priority dstnat; policy accept; }',
    `incoming fib daddr type local meta l4proto { tcp, udp } ${forward}`,
    'outgoing { type nat hook output priority -100; policy accept; }',
    `outgoing fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto { tcp, udp } ${forward}`,

    'translate { type nat hook postrouting priority srcnat; policy accept; }',
    `translate ip saddr ${pool} oifname @uplinks masquerade`,
    // A container that calls a forwarded port of the host must see the answer come from where it called.
    `translate iifname ${inside} oifname ${inside} ct status dnat masquerade`,

    'arriving { type filter hook input priority filter; policy accept; }',
    `arriving iifname ${inside} ct state != { established, related } drop`,

    'passing { type filter hook forward priority filter; policy accept; }',
    `passing iifname ${inside} ct state { established, related } accept`,
    `passing oifname ${inside} ct state { established, related } accept`,
    // The host's table of connections is shared by all: one container must not fill it.
    `passing oifname ${inside} ct status dnat ct state new add @coming { ip daddr ct count over ${most} } drop`,
    `passing oifname ${inside} ct status dnat accept`,
    `passing oifname ${inside} drop`,
    // Link-local (a cloud's metadata) and multicast are the host's business.
    `passing iifname ${inside} ip daddr { 169.254.0.0/16, 224.0.0.0/3 } drop`,
    // Mail goes out through a relay; port 25 is how a stolen container sends spam.
    `passing iifname ${inside} tcp dport 25 reject with tcp reset`,
    // The operator's own networks: masquerading would let a stranger's root in as the host itself.
    `passing iifname ${inside} ip daddr . meta l4proto . th dport @services accept`,
    ...closed(config).map((match) => `passing iifname ${inside} ${match} reject with icmp admin-prohibited`),
    `passing iifname ${inside} ct state new update @pace { ip saddr limit rate over ${pace}/second burst ${2 * pace} packets } drop`,
    `passing iifname ${inside} ct state new add @going { ip saddr ct count over ${most} } drop`,
    `passing iifname ${inside} oifname @uplinks accept`,
    `passing iifname ${inside} drop`,

    'counting { type filter hook postrouting priority filter; policy accept; }',
    'counting ip daddr @to',
  ];
}

/** What matches an address in a closed range and in no open one. */
function closed({ closedRanges, openRanges }: Ruled): string[] {
  const set = (ranges: readonly string[]): string => `{ ${ranges.join(', ')} }`;
  if (closedRanges.length === 0) return [];
  const but = openRanges.length === 0 ? '' : `ip daddr != ${set(openRanges)} `;
  return [`${but}ip daddr ${set(closedRanges)}`];
}

/** Sources of lines never change: the daemon has 254 interfaces for them, each with its address. */
export function lineSources(config: Pick<Config, 'name' | 'addressPool'>): string[] {
  return Array.from(
    { length: lineNetworks },
    (_, at) => `${lineVeth(config, at + 1)} . ${lineAddress(config, at + 1)}`,
  );
}

/** Makes the table with its rules, whatever stood before; elements stay. Existing rules are replaced at once. */
export function constantRules(config: Ruled): string[] {
  const table = `inet ${tableOf(config)}`;
  const [opened, ruled] = [rules(config).filter(isChain), rules(config).filter((rule) => !isChain(rule))];
  return [
    `add table ${table}`,
    ...declarations.map((text) => `add ${text.replace(/^(set|map) /, `$1 ${table} `)}`),
    ...opened.map((text) => `add chain ${table} ${text}`),
    ...chains.map((chain) => `flush chain ${table} ${chain}`),
    // Each of their elements holds the limit it was made with.
    ...dynamicSets.map((set) => `flush set ${table} ${set}`),
    ...ruled.map((text) => `add rule ${table} ${text}`),
  ];
}

const isChain = (text: string): boolean => / hook /.test(text);

/** Adds elements, counters included; adding what stands there already changes nothing. */
export function additions(config: Named, elements: Partial<Elements>): string[] {
  return [
    ...adding(config, 'from', counted(elements.from)),
    ...adding(config, 'to', counted(elements.to)),
    ...adding(config, 'sources', [...(elements.sources ?? [])].map(quotedInterface)),
    ...adding(config, 'uplinks', [...(elements.uplinks ?? [])].map(quotedInterface)),
    ...adding(config, 'services', [...(elements.services ?? [])]),
    ...adding(
      config,
      'forwards',
      [...(elements.forwards ?? [])].map(([port, target]) => `${port} : ${target}`),
    ),
  ];
}

/** Removes elements by key; one that is missing makes the whole batch fail. */
export function removals(config: Named, set: (typeof sets)[number], keys: readonly string[]): string[] {
  const named = set === 'sources' || set === 'uplinks' ? keys.map(quotedInterface) : keys;
  return named.length ? [`delete element inet ${tableOf(config)} ${set} { ${named.join(', ')} }`] : [];
}

function adding(config: Named, set: string, texts: readonly string[]): string[] {
  return texts.length ? [`add element inet ${tableOf(config)} ${set} { ${texts.join(', ')} }`] : [];
}

function counted(bytes: ReadonlyMap<string, bigint> | undefined): string[] {
  return [...(bytes ?? [])].map(([address, n]) => (n > 0n ? `${address} counter packets 0 bytes ${n}` : address));
}

/** nft takes names such as `conb1` bare, but one that begins with a digit or is a word of its grammar only in quotes. */
function quotedInterface(key: string): string {
  const [name = '', ...rest] = key.split(' . ');
  return [`"${name}"`, ...rest].join(' . ');
}

export const portKey = (forward: Forwarding): string => `${forward.protocol} . ${forward.hostPort}`;
export const targetOf = (forward: Forwarding): string => `${forward.address} . ${forward.port}`;

/** A table as `nft list table` prints it: its elements by set, its chains and sets by name. */
export type Listed = Readonly<{ elements: Elements; chains: readonly string[]; sets: readonly string[] }>;

/** Reads the text form, because it keeps 64-bit counters whole, which JSON numbers do not. */
export function listed(text: string): Listed {
  const block = (set: string): string =>
    new RegExp(`^\\t(?:set|map) ${set} \\{([^]*?)^\\t\\}`, 'm').exec(text)?.[1] ?? '';
  return {
    elements: {
      from: counters(block('from')),
      to: counters(block('to')),
      sources: new Set(pairs(block('sources'))),
      forwards: new Map(targets(block('forwards'))),
      uplinks: new Set(names(block('uplinks'))),
      services: new Set(services(block('services'))),
    },
    chains: [...text.matchAll(/^\tchain (\S+) \{/gm)].map((match) => match[1]!),
    sets: [...text.matchAll(/^\t(?:set|map) (\S+) \{/gm)].map((match) => match[1]!),
  };
}

/** By address: what came from it went out of the container, what left the host for it came in. */
export function trafficOf({ from, to }: Pick<Elements, 'from' | 'to'>): Map<string, Traffic> {
  const addresses = new Set([...from.keys(), ...to.keys()]);
  return new Map([...addresses].map((a) => [a, { bytesIn: to.get(a) ?? 0n, bytesOut: from.get(a) ?? 0n }]));
}

/** What our chains and sets are called: anything else in our table is a leftover of another version. */
export const known: { chains: readonly string[]; sets: readonly string[] } = {
  chains,
  sets: [...sets, ...dynamicSets],
};

function counters(text: string): Map<string, bigint> {
  const found = elementsIn(text).matchAll(/(\d+\.\d+\.\d+\.\d+) counter packets \d+ bytes (\d+)/g);
  return new Map([...found].map((match) => [match[1]!, BigInt(match[2]!)]));
}

function pairs(text: string): string[] {
  return [...elementsIn(text).matchAll(/"([^"]+)" \. (\d+\.\d+\.\d+\.\d+)/g)].map(
    (match) => `${match[1]} . ${match[2]}`,
  );
}

function targets(text: string): [string, string][] {
  const found = elementsIn(text).matchAll(/(tcp|udp) \. (\d+) : (\d+\.\d+\.\d+\.\d+) \. (\d+)/g);
  return [...found].map((match) => [`${match[1]} . ${match[2]}`, `${match[3]} . ${match[4]}`]);
}

function services(text: string): string[] {
  const found = elementsIn(text).matchAll(/(\d+\.\d+\.\d+\.\d+) \. (tcp|udp) \. (\d+)/g);
  return [...found].map((match) => match.slice(1, 4).join(' . '));
}

function names(text: string): string[] {
  return [...elementsIn(text).matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
}

/** The part of a set's block after its declaration. */
function elementsIn(text: string): string {
  return /elements = \{([^]*)\}/.exec(text)?.[1] ?? '';
}
