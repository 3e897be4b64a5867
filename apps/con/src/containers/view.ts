import type { Container } from '@berth/con-protocol';
import type { ContainerRecord } from './record.js';

/** What callers see of a record: everything but the secret and con's own numbers. */
export function shown(record: ContainerRecord, appsHost: string): Container {
  const { id, name, owner, template, state, since, reason, createdAt, trashedUntil, address, forwards, limits } =
    record;
  const url = urlOf(record, appsHost);
  return {
    id,
    name,
    owner,
    template,
    state,
    since: since.toISOString(),
    createdAt: createdAt.toISOString(),
    address,
    forwards: [...forwards],
    ...(record.grants.smtp ? { smtp: true } : {}),
    ...(record.grants.networks?.length ? { networks: record.grants.networks.map((one) => one.name) } : {}),
    limits,
    tariffTag: record.tariffTag,
    boot: record.boot,
    ...(record.again ? { again: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(trashedUntil === undefined ? {} : { trashedUntil: trashedUntil.toISOString() }),
    ...(url === undefined ? {} : { url }),
  };
}

/** Where the first port that its template exposes answers. */
export function urlOf({ forwards }: Pick<ContainerRecord, 'forwards'>, appsHost: string): string | undefined {
  const first = forwards.find(({ added, protocol }) => !added && protocol === 'tcp');
  if (!first) return undefined;
  return `http://${appsHost.includes(':') ? `[${appsHost}]` : appsHost}:${first.hostPort}`;
}
