import type { Config } from '../../config.js';
import type { Forwarding, Grants } from '../net.js';
import type { Slot } from '../runtime.js';
import { lineAddress, lineNetworks, lineVeth, vethOf } from './names.js';
import { address6 } from './prefix6.js';
import { circles, elements, together, where, type Elements } from './nft-sets.js';

type Named = Pick<Config, 'name' | 'addressPool'> & Readonly<{ prefix6?: string | undefined }>;

/** What a container has of the network: an address, and the ports of the host that lead there. */
export type Attachment = Readonly<{
  slot: Slot;
  address: string;
  forwards: readonly Forwarding[];
  grants?: Grants;
}>;

export const portKey = ({ protocol, hostPort }: Pick<Forwarding, 'protocol' | 'hostPort'>): string =>
  `${protocol} . ${hostPort}`;
const targetOf = (forward: Forwarding): string => `${forward.address} . ${forward.port}`;

/** What stands for it in the table. */
export function elementsOf(config: Named, { slot, address, forwards, grants = {} }: Attachment): Elements {
  const marks = (grants.networks ?? []).slice(0, circles.length).map(markOf);
  const six = config.prefix6 === undefined ? undefined : address6(config.prefix6, slot);
  const narrowed = forwards.filter(({ sources }) => sources !== undefined);
  const four = elements({
    from: [address],
    to: [address],
    sources: [`${vethOf(config, slot)} . ${address}`],
    forwards: forwards.map((one) => [portKey(one), targetOf(one)] as const),
    narrowed: narrowed.map(portKey),
    admitted: narrowed.flatMap((one) => (one.sources ?? []).filter(isOf4).map((range) => `${portKey(one)} . ${range}`)),
    slowOut: limited(address, grants.outBytesPerSecond),
    slowIn: limited(address, grants.inBytesPerSecond),
    mailers: grants.smtp ? [address] : [],
    ...Object.fromEntries(marks.map((mark, at) => [circles[at]!, [[address, mark] as const]])),
    members: marks.map((mark) => `${mark} . ${address}`),
  });
  return six === undefined ? four : together(four, elementsOf6(vethOf(config, slot), six, { forwards, grants }));
}

function elementsOf6(
  veth: string,
  six: string,
  { forwards, grants }: Pick<Attachment, 'forwards' | 'grants'>,
): Elements {
  const admitted = (one: Forwarding): string[] => (one.sources ?? []).filter((range) => !isOf4(range));
  return elements({
    from6: [six],
    to6: [six],
    sources6: [`${veth} . ${six}`],
    forwards6: forwards.map((one) => [portKey(one), `${six} . ${one.port}`] as const),
    admitted6: forwards.flatMap((one) => admitted(one).map((range) => `${portKey(one)} . ${range}`)),
    slowOut6: limited(six, grants?.outBytesPerSecond),
    slowIn6: limited(six, grants?.inBytesPerSecond),
    mailers6: grants?.smtp ? [six] : [],
  });
}

/** What stands for an address, and the other address of the same container, whoever put it there. */
export function ofAddress(stands: Elements, address: string, six?: string): Elements {
  const ports = new Set([...stands.forwards].flatMap(([port, to]) => (to.startsWith(`${address} . `) ? port : [])));
  return where(stands, (name, key) => {
    if (name === 'forwards' || name === 'forwards6' || name === 'narrowed') return ports.has(key);
    if (name === 'admitted' || name === 'admitted6') return ports.has(key.split(' . ').slice(0, 2).join(' . '));
    if (name === 'sources' || name === 'members') return key.endsWith(` . ${address}`);
    if (name === 'sources6') return six !== undefined && key.endsWith(` . ${six}`);
    return name !== 'resolvers' && name !== 'onlink6' && (key === address || key === six);
  });
}

function limited(address: string, bytesPerSecond: number | undefined): (readonly [string, string])[] {
  return bytesPerSecond === undefined ? [] : [[address, `${bytesPerSecond}`]];
}

/** As nft prints it. */
const markOf = (number: number): string => `0x${number.toString(16).padStart(8, '0')}`;

const isOf4 = (range: string): boolean => !range.includes(':');

/** Sources of lines never change: the daemon has 254 interfaces for them, each with its address. */
export function lineSources(config: Named): string[] {
  return Array.from(
    { length: lineNetworks },
    (_, at) => `${lineVeth(config, at + 1)} . ${lineAddress(config, at + 1)}`,
  );
}
