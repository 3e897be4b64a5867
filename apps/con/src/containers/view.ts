import type { Container } from '@berth/con-protocol';
import type { Host } from '../host/host.js';
import type { ContainerRecord } from './record.js';

type Answering = Pick<Host, 'net' | 'front'>;

/** What callers see of a record: everything but the secret and con's own numbers. */
export function shown(record: ContainerRecord, host: Answering): Container {
  const { id, name, owner, template, state, since, reason, createdAt, trashedUntil, address, forwards, limits } =
    record;
  const url = urlOf(record, host);
  const address6 = host.net.address6(record.slot);
  return {
    id,
    name,
    owner,
    template,
    state,
    since: since.toISOString(),
    createdAt: createdAt.toISOString(),
    address,
    ...(address6 === undefined ? {} : { address6 }),
    forwards: [...forwards],
    ...(record.grants.smtp ? { smtp: true } : {}),
    ...(record.grants.outBytesPerSecond ? { outBytesPerSecond: record.grants.outBytesPerSecond } : {}),
    ...(record.grants.inBytesPerSecond ? { inBytesPerSecond: record.grants.inBytesPerSecond } : {}),
    ...(record.grants.networks?.length ? { networks: record.grants.networks.map((one) => one.name) } : {}),
    ...(record.hosts.name ? { hostName: record.hosts.name } : {}),
    ...(record.hosts.domains?.length ? { domains: [...record.hosts.domains] } : {}),
    limits,
    tariffTag: record.tariffTag,
    boot: record.boot,
    ...(record.again ? { again: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(trashedUntil === undefined ? {} : { trashedUntil: trashedUntil.toISOString() }),
    ...(url === undefined ? {} : { url }),
  };
}

/** Where the first port that its template exposes answers: by its name where it has one and names answer. */
export function urlOf(
  { forwards, hosts }: Pick<ContainerRecord, 'forwards' | 'hosts'>,
  { net: { appsHost }, front }: Answering,
): string | undefined {
  const first = forwards.find(({ added, protocol }) => !added && protocol === 'tcp');
  if (!first) return undefined;
  if (hosts.name && front && !front.lacks) return front.url(hosts.name);
  return `http://${appsHost.includes(':') ? `[${appsHost}]` : appsHost}:${first.hostPort}`;
}
