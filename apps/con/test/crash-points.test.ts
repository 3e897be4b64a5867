import { describe, expect, it } from '@jest/globals';
import { isInTransit } from '@berth/container';
import { Rooms } from './rooms.js';

type Act = (rooms: Rooms) => unknown;
type Operation = Readonly<{ name: string; before?: (rooms: Rooms) => Promise<void>; act: Act }>;

const keep: Act = (rooms) => rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1' });
const on = (rooms: Rooms): Promise<void> => rooms.started('a');
const kept = async (rooms: Rooms): Promise<void> => {
  keep(rooms);
  await rooms.containers.idle();
};

/** Everything that takes more than one step. `a` is there, and off. */
const operations: readonly Operation[] = [
  { name: 'create', act: (rooms) => rooms.containers.create({ ...order, id: 'b', name: 'b' }) },
  { name: 'start', act: (rooms) => rooms.containers.start('a') },
  { name: 'stop', before: on, act: (rooms) => rooms.containers.stop('a') },
  { name: 'restart', before: on, act: (rooms) => rooms.containers.restart('a') },
  { name: 'freeze', before: on, act: (rooms) => rooms.containers.freeze('a') },
  { name: 'forward', before: on, act: (rooms) => rooms.containers.wiring.forwards.forward({ id: 'a', port: 25 }) },
  { name: 'limit', before: on, act: (rooms) => rooms.containers.limit('a', { ...limits, diskBytes: 3n << 30n }) },
  { name: 'snapshot', before: on, act: keep },
  {
    name: 'remove a snapshot',
    before: kept,
    act: (rooms) => rooms.containers.snapshots.remove({ id: 'a', snapshot: 's1' }),
  },
  {
    name: 'restore a snapshot',
    before: kept,
    act: (rooms) => rooms.containers.snapshots.restore({ id: 'a', snapshot: 's1' }),
  },
  {
    name: 'duplicate',
    before: on,
    act: (rooms) => rooms.containers.duplicate({ id: 'b', from: 'a', name: 'b', limits }),
  },
  { name: 'logs', act: (rooms) => rooms.containers.logs.read({ id: 'a' }) },
  { name: 'trash', before: on, act: (rooms) => rooms.containers.trash('a') },
  {
    name: 'destroy',
    before: async (rooms) => {
      await kept(rooms);
      rooms.containers.trash('a');
    },
    act: (rooms) => rooms.containers.destroy('a'),
  },
];

const limits = { memoryBytes: 256n << 20n, cpuMillis: 500, pids: 100, diskBytes: 2n << 30n };
const order = { owner: 'ann', template: { name: 'shop', version: '1' } };

/** What changes the host; all else only looks. */
const steps = {
  layers: [
    'createVolume',
    'limitVolume',
    'mount',
    'unmount',
    'removeVolume',
    'keepMoment',
    'restoreMoment',
    'removeMoment',
  ].concat(['duplicateVolume', 'writeRecord']),
  runtime: ['start', 'stop', 'freeze', 'thaw', 'limit', 'aside', 'clear'],
  net: ['open', 'change', 'close'],
} as const;

type Step = (...words: unknown[]) => Promise<unknown>;

/** Calls `reached` at every step that the host is asked for, with its name and the way to take it. */
function atEachStep(rooms: Rooms, reached: (name: string, take: () => Promise<unknown>) => Promise<unknown>): void {
  for (const [part, names] of Object.entries(steps)) {
    const methods = rooms.host[part as keyof typeof steps] as unknown as Record<string, Step>;
    for (const name of names) {
      const take = methods[name]!.bind(methods);
      methods[name] = (...words) => reached(`${part}.${name}`, () => take(...words));
    }
  }
}

async function begun({ before }: Operation): Promise<Rooms> {
  const rooms = new Rooms();
  await rooms.created('a');
  await before?.(rooms);
  await rooms.carried.idle();
  return rooms;
}

/** The steps of an operation that nothing interrupts. */
async function stepsOf(operation: Operation): Promise<string[]> {
  const rooms = await begun(operation);
  const taken: string[] = [];
  atEachStep(rooms, (name, take) => {
    taken.push(name);
    return take();
  });
  await operation.act(rooms);
  await rooms.containers.idle();
  await rooms.carried.idle();
  rooms.leave();
  return taken;
}

/** As by kill -9 before or after a step; what was under way goes no further, and a new con settles it. */
async function killedAt(operation: Operation, at: number, isAfter: boolean): Promise<Rooms> {
  const rooms = await begun(operation);
  let count = 0;
  const reached = new Promise<void>((resolve) => {
    atEachStep(rooms, async (_, take) => {
      if (count++ < at) return take();
      if (isAfter) await take();
      resolve();
      return new Promise(() => undefined);
    });
  });
  const asked = Promise.resolve(operation.act(rooms));
  asked.catch(() => undefined); // the dead answer nobody, and time out
  await reached;
  await rooms.restart();
  await rooms.carried.recover();
  await rooms.containers.idle();
  return rooms;
}

describe('con killed at any step of any operation', () => {
  it.each(operations)(
    '$name: leaves nothing in transit, nothing orphaned and no counter back, and goes on',
    async (operation) => {
      const names = await stepsOf(operation);
      expect(names.length).toBeGreaterThan(0);
      for (let at = 0; at < names.length; at += 1) {
        for (const isAfter of [false, true]) {
          const where = `${isAfter ? 'after' : 'before'} ${names[at]} (${at})`;
          const rooms = await killedAt(operation, at, isAfter);
          const all = rooms.containers.list();
          const kept = all.flatMap(({ id }) => rooms.containers.snapshots.list(id)).map(({ state }) => state);
          expect([where, all.map(({ state }) => state).filter(isInTransit)]).toEqual([where, []]);
          expect([where, kept.filter((state) => state === 'keeping' || state === 'removing')]).toEqual([where, []]);
          expect([where, await rooms.containers.doctor.look({ mend: false, yes: false })]).toEqual([
            where,
            { findings: [], held: 0 },
          ]);
          await agrees(rooms, where);
          await isPutAway(rooms, where);
          rooms.leave();
        }
      }
    },
  );
});

/** The host runs what the records call on, and nobody is halted whom nobody has frozen. */
async function agrees(rooms: Rooms, where: string): Promise<void> {
  const lives = (await rooms.host.runtime.running()).map(({ slot, frozen }) => [slot, frozen ? 'frozen' : 'running']);
  const called = [...rooms.records.all()].filter(({ state }) => state === 'running' || state === 'frozen');
  expect([where, lives.sort()]).toEqual([where, called.map(({ slot, state }) => [slot, state]).sort()]);
  const { samples } = await rooms.sampler.read({ cut: true });
  const last = new Map<string, bigint>();
  for (const { container, boot, cpuTotalNanos, runMs } of samples) {
    expect(cpuTotalNanos).toBeGreaterThanOrEqual(last.get(`${container} ${boot}`) ?? 0n);
    expect(runMs).toBeGreaterThanOrEqual(0n);
    last.set(`${container} ${boot}`, cpuTotalNanos);
  }
}

/** Whatever it is now, it can be destroyed, and nothing of it stays. */
async function isPutAway(rooms: Rooms, where: string): Promise<void> {
  for (const { id, state } of rooms.containers.list()) {
    if (state !== 'trashed' && state !== 'failed') rooms.containers.trash(id);
    await rooms.containers.idle();
    rooms.containers.destroy(id);
  }
  await rooms.containers.idle();
  const { layers, runtime, net } = rooms.host;
  const left = [
    await layers.volumes(),
    await layers.moments(),
    await runtime.running(),
    [...(await net.traffic()).keys()],
  ];
  expect([where, rooms.containers.list(), ...left]).toEqual([where, [], [], [], [], []]);
}
