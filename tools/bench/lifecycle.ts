import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCon } from '../con-service.ts';
import { statusOf } from '../http-status.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { withRealCon, type Template } from './real-con.ts';

const rounds = 20;

/** Create, start, first page and stop of a real container with systemd and nginx, to the state that con observes. */
export function run(): Promise<readonly Figure[]> {
  return withRealCon('the life cycle', measure);
}

async function measure(con: RunningCon, template: Template): Promise<readonly Figure[]> {
  const times: Record<'create' | 'start' | 'page' | 'stop' | 'young' | 'read', number[]> = {
    create: [],
    start: [],
    page: [],
    stop: [],
    young: [],
    read: [],
  };
  const base = spawnOfTrue();
  for (let round = 0; round < rounds; round++) {
    const id = `bench-${round}`;
    times.create.push(
      await timed(
        () => con.client['containers.create']({ id, name: id, owner: 'bench', template }),
        con,
        id,
        'stopped',
      ),
    );
    const started = performance.now();
    times.start.push(await timed(() => con.client['containers.start']({ id }), con, id, 'running'));
    await firstPage(await portOf(con, id));
    times.page.push(performance.now() - started);
    await delay(1_500); // a stop of a container that has settled, not of one that boots
    times.stop.push(await timed(() => con.client['containers.stop']({ id }), con, id, 'stopped'));
    await timed(() => con.client['containers.start']({ id }), con, id, 'running');
    await delay(1_000);
    times.young.push(await timed(() => con.client['containers.stop']({ id }), con, id, 'stopped'));
    const read = performance.now();
    await con.client['containers.get']({ id });
    times.read.push(performance.now() - read);
  }
  return [
    base,
    ...against(
      [
        figure('create to stopped', times.create, { aim: 25 }),
        figure('start to running', times.start, { aim: 80 }),
        figure("start to nginx's first 200", times.page, { aim: 300 }),
        figure('clean stop', times.stop, { aim: 300 }),
        figure('clean stop one second after a start', times.young, { aim: 300 }),
        figure('one containers.get', times.read),
      ],
      base,
    ),
  ];
}

/** From the call to the moment at which another call sees the state: the reply alone proves nothing. */
async function timed(call: () => Promise<unknown>, con: RunningCon, id: string, state: string): Promise<number> {
  const started = performance.now();
  await call();
  for (;;) {
    const { container } = await con.client['containers.get']({ id });
    if (container.state === state) return performance.now() - started;
    if (container.state === 'failed') throw new Error(`${id} failed: ${container.reason}`);
    await delay(1);
  }
}

async function portOf(con: RunningCon, id: string): Promise<string> {
  return (await con.client['containers.get']({ id })).container.url!;
}

async function firstPage(url: string): Promise<void> {
  while ((await statusOf(url)) !== 200) await delay(3);
}
