import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { HandClock, Rooms } from '../../con/test/rooms.js';
import { collect } from '../src/metering/collector.js';
import type { Journal } from '../src/metering/journal.js';
import { openBooks, type Books } from './books.js';

jest.setTimeout(60_000);

const minute = 60_000;
const hour = 60 * minute;

let books: Books;
let db: DataSource;
let made = 0;

beforeAll(async () => {
  books = await openBooks();
  db = books.db;
});
afterAll(() => books.close());

/** A container runs on con, the host's clock is treated somehow, and site collects: what was billed of what ran, in ms. */
async function billed(live: (rooms: Rooms) => Promise<void>): Promise<{ billedMs: bigint; aside: number }> {
  made += 1;
  const [app, host] = [`app-${made}`, `host-${made}`];
  await books.lease(app, await books.customer(`ann-${made}`), host);
  const rooms = new Rooms({}, 0n, new HandClock(new Date(Math.floor(Date.now() / hour - 100) * hour).toISOString()));
  try {
    await rooms.created(app);
    await rooms.started(app);
    await live(rooms);
    await rooms.stopped(app);
    await rooms.sampler.read({ cut: true });
    const read: Journal['read'] = async (params) => ({
      ...(await rooms.sampler.read(params)),
      instance: host,
      observedAt: new Date().toISOString(), // by the time it is collected, clocks agree
    });
    await collect(db, { host, read });
  } finally {
    rooms.leave();
  }
  const [sum]: { ms: string }[] = await db.query(
    'select coalesce(sum(run_ms), 0) as ms from usage_sum where lease_id = $1',
    [app],
  );
  const [aside]: { count: number }[] = await db.query(
    'select count(*)::int as count from usage_set_aside where host = $1',
    [host],
  );
  return { billedMs: BigInt(sum!.ms), aside: aside!.count };
}

async function run(rooms: Rooms, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    rooms.clock.pass(10_000);
    await rooms.sampler.tick();
  }
}

it.each([
  ['set back by 20 minutes for good', [{ by: -20 * minute, after: 50 * minute }], 110 * minute],
  [
    'two hours ahead for ten seconds',
    [
      { by: 2 * hour, after: 30_000 },
      { by: -2 * hour, after: 10_000 },
    ],
    3 * hour,
  ],
  [
    'six days ahead for ten seconds',
    [
      { by: 144 * hour, after: 30_000 },
      { by: -144 * hour, after: 10_000 },
    ],
    3 * hour,
  ],
  ['set forward by five hours for good', [{ by: 5 * hour, after: 30_000 }], 3 * hour],
  ['set back by ten days for good', [{ by: -240 * hour, after: hour }], 3 * hour],
])('a host whose clock is %s bills what ran, to the millisecond', async (_, changes, allMs) => {
  const { billedMs, aside } = await billed(async (rooms) => {
    let leftMs = allMs;
    for (const { by, after } of changes) {
      await run(rooms, after);
      leftMs -= after;
      rooms.clock.setWall(by);
    }
    await run(rooms, leftMs);
  });
  expect([billedMs, aside]).toEqual([BigInt(allMs), 0]);
});

it('a clock that is set while con is down makes nobody’s seconds more or fewer', async () => {
  const { billedMs, aside } = await billed(async (rooms) => {
    for (const by of [5 * hour, -3 * hour, 11 * minute]) {
      await run(rooms, 30_000);
      rooms.kill();
      rooms.clock.pass(10_000);
      rooms.clock.setWall(by);
      await rooms.restart();
    }
    await run(rooms, 30_000);
  });
  expect([billedMs, aside]).toEqual([150_000n, 0]);
});

it('use after the host slept or was off for days is billed, under the time at which it was', async () => {
  for (const away of [8 * hour, 60 * hour]) {
    const asleep = await billed(async (rooms) => {
      await run(rooms, minute);
      rooms.clock.sleep(away);
      await run(rooms, minute);
      expect(await lagOf(rooms)).toBeLessThan(2_000);
    });
    expect([asleep.billedMs, asleep.aside]).toEqual([120_000n, 0]);
    const off = await billed(async (rooms) => {
      await run(rooms, minute);
      rooms.kill();
      rooms.host.runtime.forgetAll();
      rooms.clock.pass(away);
      rooms.bootId = 'second';
      await rooms.restart(); // what ran comes back
      await run(rooms, minute);
      expect(await lagOf(rooms)).toBeLessThan(2_000);
    });
    expect([off.billedMs, off.aside]).toEqual([120_000n, 0]);
  }
});

it('a clock that was wrong at the first start of all is left behind once it is set right', async () => {
  const { billedMs, aside } = await billed(async (rooms) => {
    await run(rooms, minute);
    rooms.clock.setWall(-2 * hour);
    await run(rooms, 30 * minute);
    expect(await lagOf(rooms)).toBeLessThan(2_000);
  });
  expect([billedMs, aside]).toEqual([31n * 60_000n, 0]);
});

/** How far labels and the host's clock are apart. */
async function lagOf(rooms: Rooms): Promise<number> {
  const { completeUntil, observedAt } = await rooms.sampler.read({ cut: true });
  return Math.abs(Date.parse(observedAt) - Date.parse(completeUntil));
}

it('what a clock wrong at boot says is not believed until it has insisted', async () => {
  const { billedMs, aside } = await billed(async (rooms) => {
    await run(rooms, minute);
    rooms.kill();
    rooms.clock.setWall(20 * 365 * 24 * hour); // a real-time clock without its battery, before the time server is heard
    rooms.clock.pass(90_000);
    rooms.bootId = 'second';
    rooms.host.runtime.forgetAll();
    await rooms.restart();
    await run(rooms, minute);
    rooms.clock.setWall(-20 * 365 * 24 * hour);
    await run(rooms, minute);
  });
  expect([billedMs, aside]).toEqual([3n * 60_000n, 0]);
});
