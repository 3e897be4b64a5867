import type { Config } from '../../config.js';
import { isOwn6 } from './prefix6.js';
import { circles, declarations, setNames, tableOf } from './nft-sets.js';

type Ruled = Pick<
  Config,
  | 'name'
  | 'addressPool'
  | 'closedRanges'
  | 'closedRanges6'
  | 'openRanges'
  | 'connectionsPerContainer'
  | 'newConnectionsPerSecond'
  | 'queriesPerSecond'
  | 'packetsPerSecond'
  | 'appsDomain'
  | 'appsHttpPort'
  | 'appsHttpsPort'
>;

/** The kernel fills these itself: by interface, how many connections there are and how fast new ones come. */
const dynamicSets = ['going', 'coming', 'pace', 'asking', 'flood'] as const;

const chains = ['early', 'incoming', 'outgoing', 'translate', 'arriving', 'passing', 'private', 'counting'] as const;

const dynamic = [
  'set going { type ifname; size 65536; flags dynamic; }',
  'set coming { type ifname; size 65536; flags dynamic; }',
  'set pace { type ifname; size 65536; flags dynamic,timeout; timeout 60s; }',
  'set flood { type ifname; size 65536; flags dynamic,timeout; timeout 60s; }',
  'set asking { type ifname; size 65536; flags dynamic,timeout; timeout 60s; }',
];

/**
 * The constant rules: who may send what to whom.
 *
 * Bytes are counted where a packet enters the host (source) and where it leaves (destination), because a counter in the
 * forward hook sees nothing of what the host's own processes exchange with a container.
 */
function rules(config: Ruled, prefix6: string | undefined): string[] {
  const inside = `{ "${config.name}v*", "${config.name}b*" }`;
  const pool = config.addressPool;
  const most = config.connectionsPerContainer;
  const pace = config.newConnectionsPerSecond;
  const queries = config.queriesPerSecond;
  const packets = config.packetsPerSecond;
  const begun = [
    `ct state new update @pace { iifname limit rate over ${pace}/second burst ${2 * pace} packets } drop`,
    `ct state new add @going { iifname ct count over ${most} } drop`,
  ];
  const forward = 'dnat ip to meta l4proto . th dport map @forwards';
  const forward6 = 'dnat ip6 to meta l4proto . th dport map @forwards6';
  const neighbours = '{ nd-neighbor-solicit, nd-neighbor-advert }';
  return [
    'early { type filter hook prerouting priority raw; policy accept; }',
    // By IPv6 a container finds its router and is found; it is no router itself. Lines have none of it.
    `early iifname "${config.name}b*" meta nfproto ipv6 drop`,
    `early iifname ${inside} icmpv6 type { nd-router-solicit, nd-router-advert, nd-redirect } drop`,
    `early iifname ${inside} icmpv6 type ${neighbours} ip6 saddr { ::, fe80::/10 } accept`,
    // The host's own loopback, and every address but its own, are closed to a container.
    `early iifname ${inside} iifname . ip6 saddr != @sources6 drop`,
    `early iifname ${inside} ip daddr 127.0.0.0/8 drop`,
    `early iifname ${inside} iifname . ip saddr != @sources drop`,
    // What is beyond is neither passed on nor counted: nobody is billed for what was dropped.
    `early iifname ${inside} update @flood { iifname limit rate over ${packets}/second burst ${packets} packets } drop`,
    'early ip saddr @slowOut drop',
    'early ip6 saddr @slowOut6 drop',
    // Each packet is looked at, so that nobody who is not admitted any more stays connected.
    'early fib daddr type local meta l4proto . th dport @narrowed meta l4proto . th dport . ip saddr != @admitted drop',
    'early fib daddr type local meta l4proto . th dport @narrowed meta l4proto . th dport . ip6 saddr != @admitted6 drop',
    'early ip saddr @from',
    'early ip6 saddr @from6',

    'incoming { type nat hook prerouting priority dstnat; policy accept; }',
    // The host's name servers answer at con's own address, wherever they lie and whichever they are by then.
    `incoming iifname ${inside} meta l4proto { tcp, udp } th dport 53 dnat ip to ip daddr map @resolvers`,
    `incoming fib daddr type local meta l4proto { tcp, udp } ${forward}`,
    `incoming fib daddr type local meta l4proto { tcp, udp } ${forward6}`,
    'outgoing { type nat hook output priority -100; policy accept; }',
    `outgoing fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto { tcp, udp } ${forward}`,
    `outgoing fib daddr type local ip6 daddr != ::1 meta l4proto { tcp, udp } ${forward6}`,

    'translate { type nat hook postrouting priority srcnat; policy accept; }',
    `translate ip saddr ${pool} oifname @uplinks masquerade`,
    ...(prefix6 && isOwn6(prefix6) ? [`translate ip6 saddr ${prefix6} oifname @uplinks masquerade`] : []),
    // A container that calls a forwarded port of the host must see the answer come from where it called.
    `translate iifname ${inside} oifname ${inside} ct status dnat masquerade`,

    'arriving { type filter hook input priority filter; policy accept; }',
    // A name server of the host's that lies at an address of its own.
    `arriving iifname ${inside} ct status dnat ip daddr . meta l4proto . th dport @services accept`,
    ...front(config).flatMap((match) =>
      [...begun, 'accept'].map((rule) => `arriving iifname ${inside} ${match} ${rule}`),
    ),
    `arriving iifname ${inside} icmpv6 type ${neighbours} accept`,
    `arriving iifname ${inside} ct state != { established, related } drop`,

    'passing { type filter hook forward priority filter; policy accept; }',
    `passing iifname ${inside} udp dport 53 update @asking { iifname limit rate over ${queries}/second burst ${2 * queries} packets } drop`,
    // These two look at each packet, so that what is closed is closed for those who are connected already.
    `passing iifname ${inside} oifname ${inside} ct status & dnat == 0 goto private`,
    // Mail goes out through a relay; port 25 is how a stolen container sends spam.
    `passing iifname ${inside} tcp dport 25 ct direction original ct status & dnat == 0 ip saddr != @mailers reject with tcp reset`,
    `passing iifname ${inside} tcp dport 25 ct direction original ct status & dnat == 0 ip6 saddr != @mailers6 reject with tcp reset`,
    `passing iifname ${inside} ct state { established, related } accept`,
    `passing oifname ${inside} ct state { established, related } accept`,
    // The host's table of connections is shared by all: one container must not fill it.
    `passing oifname ${inside} ct status dnat ct state new add @coming { oifname ct count over ${most} } drop`,
    `passing oifname ${inside} ct status dnat accept`,
    `passing oifname ${inside} drop`,
    // What the host itself needs of its network, at these ports alone.
    `passing iifname ${inside} ip daddr . meta l4proto . th dport @services accept`,
    // Link-local (a cloud's metadata) and multicast are the host's business.
    `passing iifname ${inside} ip daddr { 169.254.0.0/16, 224.0.0.0/3 } drop`,
    `passing iifname ${inside} ip6 daddr { ::/128, fe80::/10, ff00::/8 } drop`,
    // The operator's own networks: masquerading would let a stranger's root in as the host itself.
    ...closed(config).map((match) => `passing iifname ${inside} ${match} reject with icmp admin-prohibited`),
    ...closed6(config).map((match) => `passing iifname ${inside} ${match} reject with icmpv6 admin-prohibited`),
    ...begun.map((rule) => `passing iifname ${inside} ${rule}`),
    `passing iifname ${inside} oifname @uplinks accept`,
    `passing iifname ${inside} drop`,

    // One element each for a member, where pairs would be a square of them. The mark does not leave these rules.
    'private',
    ...begun.map((rule) => `private ${rule}`),
    ...circles.map(
      (circle) => `private meta mark set ip saddr map @${circle} meta mark . ip daddr @members meta mark set 0 accept`,
    ),
    'private drop',

    'counting { type filter hook postrouting priority filter; policy accept; }',
    'counting ip daddr @slowIn drop',
    'counting ip6 daddr @slowIn6 drop',
    'counting ip daddr @to',
    'counting ip6 daddr @to6',
  ];
}

/** An app that calls itself by its name comes to the host's own front, as everybody does. */
function front({ appsDomain, appsHttpPort, appsHttpsPort }: Ruled): string[] {
  return appsDomain === undefined ? [] : [`fib daddr type local tcp dport { ${appsHttpPort}, ${appsHttpsPort} }`];
}

/** What matches an address in a closed range and in no open one. */
function closed({ closedRanges, openRanges }: Ruled): string[] {
  const set = (ranges: readonly string[]): string => `{ ${ranges.join(', ')} }`;
  if (closedRanges.length === 0) return [];
  const but = openRanges.length === 0 ? '' : `ip daddr != ${set(openRanges)} `;
  return [`${but}ip daddr ${set(closedRanges)}`];
}

/** What is private, or leads to IPv4 by a detour; and the networks of the host itself, which have public addresses as well. */
function closed6({ closedRanges6 }: Ruled): string[] {
  return [...(closedRanges6.length ? [`ip6 daddr { ${closedRanges6.join(', ')} }`] : []), 'ip6 daddr @onlink6'];
}

/** Makes the table with its rules, whatever stood before; elements stay. Existing rules are replaced at once. */
export function constantRules(config: Ruled, prefix6?: string): string[] {
  const table = `inet ${tableOf(config)}`;
  const all = rules(config, prefix6);
  const [opened, ruled] = [all.filter(isChain), all.filter((rule) => !isChain(rule))];
  return [
    `add table ${table}`,
    ...declarations(config),
    ...dynamic.map((text) => `add ${text.replace(/^set /, `set ${table} `)}`),
    ...opened.map((text) => `add chain ${table} ${text}`),
    ...chains.map((chain) => `flush chain ${table} ${chain}`),
    // Each of their elements holds the limit it was made with.
    ...dynamicSets.map((set) => `flush set ${table} ${set}`),
    ...ruled.map((text) => `add rule ${table} ${text}`),
  ];
}

const isChain = (text: string): boolean => / hook |^\w+$/.test(text);

/** What our chains and sets are called: anything else in our table is a leftover of another version. */
export const known: { chains: readonly string[]; sets: readonly string[] } = {
  chains,
  sets: [...setNames, ...dynamicSets],
};
