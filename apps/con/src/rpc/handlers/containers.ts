import { randomUUID } from 'node:crypto';
import type { ConHandlers, Usage } from '@berth/con-protocol';
import type { Containers } from '../../containers/containers.js';
import type { Records } from '../../containers/records.js';
import type { Health } from '../../health/health.js';
import type { Sampler } from '../../metering/sampler.js';
import type { Space } from '../../storage/space.js';
import type { Streams } from '../../streams/streams.js';

type ContainerMethods = Extract<keyof ConHandlers, `containers.${string}` | `usage.${string}`>;
type Needs = Readonly<{
  containers: Containers;
  records: Records;
  sampler: Sampler;
  health: Pick<Health, 'of'>;
  space: Space;
  streams: Streams;
  now: () => Date;
}>;

const execTimeoutMs = 60_000;

export function containerHandlers({
  containers,
  records,
  sampler,
  health,
  space,
  streams,
  now,
}: Needs): Pick<ConHandlers, ContainerMethods> {
  const life = randomUUID(); // changes are counted anew in each life of the daemon
  const withHealth = (usage: Usage): Usage => {
    const answering = health.of(usage.id);
    return answering === undefined ? usage : { ...usage, health: answering };
  };
  return {
    'containers.create': async (order) => {
      if (!records.askedFor(order.id)) await space.mustSuffice(`create ${order.name}`); // else it exists already
      return { container: containers.create(order) };
    },
    'containers.duplicate': async (order) => {
      if (!records.askedFor(order.id)) await space.mustSuffice(`duplicate ${order.from}`);
      return { container: containers.duplicate(order) };
    },
    'containers.start': async ({ id }) => ({ container: containers.start(id) }),
    'containers.stop': async ({ id, timeoutMs }) => ({ container: containers.stop(id, timeoutMs) }),
    'containers.kill': async ({ id }) => ({ container: containers.stop(id, 0) }),
    'containers.restart': async ({ id, timeoutMs }) => ({ container: containers.restart(id, timeoutMs) }),
    'containers.freeze': async ({ id }) => ({ container: await containers.freeze(id) }),
    'containers.thaw': async ({ id }) => ({ container: await containers.thaw(id) }),
    'containers.rename': async ({ id, name }) => ({ container: containers.rename(id, name) }),
    'containers.limit': async ({ id, limits }) => ({ container: await containers.limit(id, limits) }),
    'containers.forward': (order) => containers.wiring.forwards.forward(order),
    'containers.unforward': async (order) => ({ container: await containers.wiring.forwards.unforward(order) }),
    'containers.network': async (order) => ({ container: await containers.wiring.grants.network(order) }),
    'containers.join': async (order) => ({ container: await containers.wiring.grants.join(order) }),
    'containers.leave': async (order) => ({ container: await containers.wiring.grants.leave(order) }),
    'containers.domains': async (order) => ({ container: await containers.wiring.faces.domains(order) }),
    'containers.trash': async ({ id }) => ({ container: containers.trash(id) }),
    'containers.restore': async ({ id }) => ({ container: containers.restore(id) }),
    'containers.destroy': async ({ id }) => {
      containers.destroy(id);
      return {};
    },
    'containers.snapshot': async (order) => {
      if (!containers.snapshots.isKnown(order)) await space.mustSuffice(`keep a snapshot of ${order.id}`);
      return { snapshot: containers.snapshots.snapshot(order) };
    },
    'containers.snapshots': async ({ id }) => ({ snapshots: containers.snapshots.list(id) }),
    'containers.restoreSnapshot': async (order) => ({ container: containers.snapshots.restore(order) }),
    'containers.removeSnapshot': async (order) => {
      containers.snapshots.remove(order);
      return {};
    },
    'containers.expire': async ({ all }) => {
      const { destroyed, kept } = containers.expire(sampler.now(), all === undefined ? {} : { all });
      return { destroyed, kept };
    },
    'containers.exec': async ({ id, argv, timeoutMs = execTimeoutMs }) => ({
      stream: streams.session(containers.exec(id, argv), { timeoutMs }),
    }),
    'containers.logs': (place) => containers.logs.read(place),
    'containers.get': async ({ id }) => {
      const container = containers.get(id);
      const [usage] = (await sampler.usage([id])).map(withHealth);
      const disk = await containers.disks.of(id);
      return { container, ...(usage ? { usage } : {}), ...(disk ? { disk } : {}) };
    },
    'containers.list': async ({ known }) => {
      const usage = await sampler.usage([...records.all()].map((record) => record.id));
      const version = `${life}.${records.version}`;
      return {
        observedAt: now().toISOString(),
        version,
        ...(known === version ? {} : { containers: containers.list() }),
        usage: usage.map(withHealth),
      };
    },
    'usage.read': (cursor) => sampler.read(cursor),
  };
}
