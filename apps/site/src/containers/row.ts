import type { Container as ConContainer, Template } from '@berth/con-protocol';
import type { ProblemKind } from '@berth/problem';
import type { Container } from '@berth/site-api';
import { offersLogin, titleOf } from '../catalogue/labels.js';
import type { Ask } from './asked.js';
import type { HostView } from './host.js';
import type { Lease } from './leases.js';

export type Told = Readonly<{
  lease: Lease;
  /** Absent where the configuration names the host no more. */
  host?: HostView;
  container?: ConContainer;
  template?: Template;
  asked?: Ask;
  costTodayNanos: bigint;
  hourNanos: bigint;
}>;

/** A lease and what its host says of it, as one row of the page. Unknown is never running. */
export function rowOf(told: Told): Container {
  const { lease, host, container, template, asked, costTodayNanos, hourNanos } = told;
  const isSilent = !host || host.silent;
  const numbers = isSilent ? undefined : host.listing?.numbers.get(lease.id);
  return {
    id: lease.id,
    name: lease.name,
    app: { name: lease.app, version: lease.version, title: template ? titleOf(template) : lease.app },
    size: lease.size,
    memoryBytes: lease.memoryBytes,
    ...stateOf(told),
    ...(asked ? { asked } : {}),
    ...(container?.url === undefined ? {} : { url: container.url }),
    loginWaiting: template !== undefined && offersLogin(template) && lease.loginPutAwayAt === null,
    createdAt: lease.createdAt.toISOString(),
    ...(numbers ? { numbers } : {}),
    costTodayNanos,
    hourNanos,
    host: lease.host,
    ...(host?.observedAt ? { observedAt: host.observedAt.toISOString() } : {}),
  };
}

type StatePart = Pick<Container, 'state' | 'since' | 'reason' | 'why' | 'trashedUntil'>;

function stateOf({ lease, host, container }: Told): StatePart {
  if (lease.refusal !== null) return { state: 'failed', since: lease.createdAt.toISOString(), reason: lease.refusal };
  if (!host)
    return {
      state: 'unknown',
      since: lease.createdAt.toISOString(),
      reason: `host ${lease.host} is not in use`,
      why: about(lease, 'host-not-in-use'),
    };
  if (host.silent)
    // why is for admins: it may name addresses
    return {
      state: 'unknown',
      since: host.since.toISOString(),
      reason: `host ${host.name} does not answer`,
      why: about(lease, 'host-silent'),
    };
  if (container) {
    const { state, since, reason, trashedUntil } = container;
    return { state, since, ...(reason === undefined ? {} : { reason }), ...(trashedUntil ? { trashedUntil } : {}) };
  }
  if (lease.placedAt === null) return { state: 'creating', since: lease.createdAt.toISOString() };
  return {
    state: 'failed',
    since: lease.placedAt.toISOString(),
    reason: `cannot find it on host ${lease.host}`,
    why: about(lease, 'host-lost-it'),
  };
}

function about({ host }: Lease, kind: ProblemKind): NonNullable<Container['why']> {
  return { kind, blanks: { host } };
}
