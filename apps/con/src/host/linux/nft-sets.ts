import type { Config } from '../../config.js';
import type { Traffic } from '../net.js';

type Named = Pick<Config, 'name'>;

export const tableOf = (config: Named): string => `berth_${config.name}`;

/** What changes in the table, by the name of its set; the rules do not. */
const declared = {
  /** Addresses whose bytes are counted, with what was counted already. */
  from: 'set { type ipv4_addr; size 65536; counter; }',
  to: 'set { type ipv4_addr; size 65536; counter; }',
  /** `interface . address`: who may send as whom. */
  sources: 'set { type ifname . ipv4_addr; size 131072; }',
  /** `protocol . port` → `address . port`. */
  forwards: 'map { type inet_proto . inet_service : ipv4_addr . inet_service; size 131072; }',
  /** `protocol . port` of forwards that not everybody may use, and who may. */
  narrowed: 'set { type inet_proto . inet_service; size 131072; }',
  admitted: 'set { type inet_proto . inet_service . ipv4_addr; flags interval; }',
  /** The same by IPv6, where the host has it. */
  from6: 'set { type ipv6_addr; size 65536; counter; }',
  to6: 'set { type ipv6_addr; size 65536; counter; }',
  sources6: 'set { type ifname . ipv6_addr; size 131072; }',
  forwards6: 'map { type inet_proto . inet_service : ipv6_addr . inet_service; size 131072; }',
  admitted6: 'set { type inet_proto . inet_service . ipv6_addr; flags interval; }',
  mailers6: 'set { type ipv6_addr; size 65536; }',
  slowOut6: 'set { type ipv6_addr; size 65536; flags dynamic; }',
  slowIn6: 'set { type ipv6_addr; size 65536; flags dynamic; }',
  /** Networks that the host is in itself: its neighbours are the operator's. */
  onlink6: 'set { type ipv6_addr; flags interval; }',
  /** Who may send, and be sent, so many bytes a second and no more. */
  slowOut: 'set { type ipv4_addr; size 65536; flags dynamic; }',
  slowIn: 'set { type ipv4_addr; size 65536; flags dynamic; }',
  /** Who may send mail to strangers. */
  mailers: 'set { type ipv4_addr; size 65536; }',
  /** Which private networks an address is in, and `number . address` of all that are in them. */
  circle1: 'map { type ipv4_addr : mark; size 65536; }',
  circle2: 'map { type ipv4_addr : mark; size 65536; }',
  circle3: 'map { type ipv4_addr : mark; size 65536; }',
  circle4: 'map { type ipv4_addr : mark; size 65536; }',
  members: 'set { type mark . ipv4_addr; size 262144; }',
  /** The address that containers ask for names → the host's name server. */
  resolvers: 'map { type ipv4_addr : ipv4_addr; size 8; }',
  /** Interfaces that lead out of the host. */
  uplinks: 'set { type ifname; size 64; }',
  /** `address . protocol . port`: what is open even where it lies in a closed range. */
  services: 'set { type ipv4_addr . inet_proto . inet_service; size 1024; }',
} as const;

export type SetName = keyof typeof declared;

/** One for each private network that a container may be in at a time. */
export const circles = ['circle1', 'circle2', 'circle3', 'circle4'] as const satisfies readonly SetName[];

export const setNames = Object.keys(declared) as readonly SetName[];

/** By set, keys as nft prints them; values are a map's, the bytes that a counter begins with, or bytes a second. */
export type Elements = Readonly<Record<SetName, ReadonlyMap<string, string>>>;

/** nft takes names such as `conb1` bare, but one that begins with a digit or is a word of its grammar only in quotes. */
const namesInterface: ReadonlySet<SetName> = new Set(['sources', 'sources6', 'uplinks']);
const counts: ReadonlySet<SetName> = new Set(['from', 'to', 'from6', 'to6']);
const limits: ReadonlySet<SetName> = new Set(['slowOut', 'slowIn', 'slowOut6', 'slowIn6']);

/** At once, beside what is allowed a second: no less than the largest packet that the kernel hands on in one piece. */
const leastBurst = 131_072;

export const declarations = (config: Named): string[] =>
  setNames.map((name) => {
    const [kind = '', ...type] = declared[name].split(' ');
    return `add ${kind} inet ${tableOf(config)} ${name} ${type.join(' ')}`;
  });

/** Elements of some sets, none of the others. */
export function elements(given: Partial<Record<SetName, Iterable<string | readonly [string, string]>>>): Elements {
  const entry = (one: string | readonly [string, string]): readonly [string, string] =>
    typeof one === 'string' ? [one, ''] : one;
  const made = {} as Record<SetName, ReadonlyMap<string, string>>;
  for (const name of setNames) made[name] = new Map([...(given[name] ?? [])].map(entry));
  return made;
}

/** Those of several, as one. */
export function together(...all: readonly Elements[]): Elements {
  return elements(Object.fromEntries(setNames.map((name) => [name, all.flatMap((one) => [...one[name]])])));
}

/** Those that `test` holds for. */
export function where(all: Elements, test: (name: SetName, key: string, value: string) => boolean): Elements {
  return elements(
    Object.fromEntries(setNames.map((name) => [name, [...all[name]].filter(([key, value]) => test(name, key, value))])),
  );
}

/** What `all` has and `other` has not. A counter's bytes make no difference, a map's value does. */
export function without(all: Elements, other: Elements): Elements {
  return where(all, (name, key, value) => {
    const there = other[name].get(key);
    return there === undefined || (!counts.has(name) && there !== value);
  });
}

/** Adds elements, counters included; adding what stands there already changes nothing. */
export function additions(config: Named, added: Elements): string[] {
  return lines('add', config, added, (name, key, value) => {
    if (counts.has(name)) return value === '' || value === '0' ? key : `${key} counter packets 0 bytes ${value}`;
    if (limits.has(name)) {
      const burst = Math.max(leastBurst, Number(value));
      return `${key} limit rate over ${value} bytes/second burst ${burst} bytes`;
    }
    return value === '' ? key : `${key} : ${value}`;
  });
}

/** Removes elements by key; one that is missing makes the whole batch fail. */
export function removals(config: Named, removed: Elements): string[] {
  return lines('delete', config, removed, (_name, key) => key);
}

function lines(
  verb: 'add' | 'delete',
  config: Named,
  all: Elements,
  written: (name: SetName, key: string, value: string) => string,
): string[] {
  return setNames.flatMap((name) => {
    const texts = [...all[name]].map(([key, value]) =>
      written(name, namesInterface.has(name) ? quoted(key) : key, value),
    );
    return texts.length ? [`${verb} element inet ${tableOf(config)} ${name} { ${texts.join(', ')} }`] : [];
  });
}

function quoted(key: string): string {
  const [name = '', ...rest] = key.split(' . ');
  return [`"${name}"`, ...rest].join(' . ');
}

/** A table as `nft list table` prints it: its elements by set, its chains and sets by name. */
export type Listed = Readonly<{ elements: Elements; chains: readonly string[]; sets: readonly string[] }>;

/** Reads the text form, because it keeps 64-bit counters whole, which JSON numbers do not. */
export function listed(text: string): Listed {
  const block = (set: string): string =>
    new RegExp(`^\\t(?:set|map) ${set} \\{([^]*?)^\\t\\}`, 'm').exec(text)?.[1] ?? '';
  return {
    elements: elements(Object.fromEntries(setNames.map((name) => [name, printed(name, block(name))]))),
    chains: [...text.matchAll(/^\tchain (\S+) \{/gm)].map((match) => match[1]!),
    sets: [...text.matchAll(/^\t(?:set|map) (\S+) \{/gm)].map((match) => match[1]!),
  };
}

const element =
  /^\s*(.*?)(?: counter packets \d+ bytes (\d+))?(?: limit rate over (\d+) (\w+)\/second burst .*?)?(?: : (.*?))?\s*$/;
/** nft prints a rate in the largest of these that divides it. */
const units: Readonly<Record<string, number>> = { bytes: 1, kbytes: 1024, mbytes: 1024 ** 2 };

/** The part of a set's block after its declaration; no element of ours has a comma in it. */
function printed(name: SetName, block: string): (readonly [string, string])[] {
  const list = /elements = \{([^]*)\}/.exec(block)?.[1]?.split(',') ?? [];
  return list.map((text) => {
    const [, key = '', bytes, rate, unit = 'bytes', value] = element.exec(text.replaceAll('"', '')) ?? [];
    if (counts.has(name)) return [key, bytes ?? ''];
    return [key, (limits.has(name) && rate ? String(Number(rate) * (units[unit] ?? 1)) : value) ?? ''];
  });
}

/** Those of `all` that count bytes. */
export const counters = (all: Elements): Elements => where(all, (name) => counts.has(name));

/** By IPv4 address: what came from it went out of the container, what left the host for it came in, by either version. */
export function trafficOf(
  { from, to, from6, to6 }: Elements,
  fourOf: (six: string) => string = (six) => six,
): Map<string, Traffic> {
  const found = new Map<string, { bytesIn: bigint; bytesOut: bigint }>();
  const add = (address: string, counted: Partial<Traffic>): void => {
    const { bytesIn, bytesOut } = found.get(address) ?? { bytesIn: 0n, bytesOut: 0n };
    found.set(address, {
      bytesIn: bytesIn + (counted.bytesIn ?? 0n),
      bytesOut: bytesOut + (counted.bytesOut ?? 0n),
    });
  };
  for (const [address, bytes] of from) add(address, { bytesOut: BigInt(bytes || 0) });
  for (const [address, bytes] of to) add(address, { bytesIn: BigInt(bytes || 0) });
  for (const [address, bytes] of from6) add(fourOf(address), { bytesOut: BigInt(bytes || 0) });
  for (const [address, bytes] of to6) add(fourOf(address), { bytesIn: BigInt(bytes || 0) });
  return found;
}
