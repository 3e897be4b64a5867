import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCon } from '../con-service.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { withRealCon, type Template } from './real-con.ts';

const least = 200;
const most = 1_000;
const atOnce = 4;
/** What one is reckoned with when it is decided how many fit; more than it takes. */
const reckonedMB = 40;
const lists = 100;
/** As con does unless told. */
const sampleSeconds = 10;
/** Ticks of the processor's accounting in a second (proc(5), USER_HZ). */
const hertz = 100;

/** As many real containers with systemd and nginx as fit into half of the free memory, 200 at least. */
export function run(): Promise<readonly Figure[]> {
  return withRealCon('density', measure, { firstPort: 40_000, lastPort: 40_000 + 2 * most });
}

async function measure(con: RunningCon, template: Template): Promise<readonly Figure[]> {
  const many = Math.min(most, Math.max(least, Math.floor(freemem() / 2 ** 20 / 2 / reckonedMB)));
  const ids = Array.from({ length: many }, (_, n) => `bench-${n}`);
  const base = spawnOfTrue();
  const before = takenMB();
  const created = await timed(() =>
    abreast(ids, (id, n) =>
      con.client['containers.create']({ id, name: id, owner: `bench-${n % 20}`, template }).then(() =>
        until(con, id, 'stopped'),
      ),
    ),
  );
  const started = await timed(() =>
    abreast(ids, async (id) => {
      await con.client['containers.start']({ id });
      await until(con, id, 'running');
    }),
  );
  await settled(con, many);
  const each = (takenMB() - before) / many;

  const listing: number[] = [];
  for (let round = 0; round < lists; round++) {
    const from = performance.now();
    const { containers } = await con.client['containers.list']({});
    listing.push(performance.now() - from);
    const running = containers?.filter(({ state }) => state === 'running').length;
    if (running !== many) throw new Error(`${running} of ${many} containers run`);
  }
  const rest = await coreOf(con.service.pid, () => delay(60_000));
  const cuts = 20;
  const cutting = await coreOf(con.service.pid, async () => {
    for (let round = 0; round < cuts; round++) await con.client['usage.read']({ cut: true, limit: 1 });
  });
  const sampling = ((cutting.cpuMs / cuts) * 100) / (sampleSeconds * 1_000);
  const stopped = await timed(() =>
    abreast(ids, async (id) => {
      await con.client['containers.stop']({ id });
      await until(con, id, 'stopped');
    }),
  );
  const rate = (ms: number): number[] => [(many * 1_000) / ms];
  return [
    base,
    ...against(
      [
        figure(`created, ${atOnce} at a time, ${many} in all`, rate(created), { unit: 'a second' }),
        figure(`started to running, ${atOnce} at a time`, rate(started), { unit: 'a second' }),
        figure('memory of each, of all that the host has less', [each], { unit: 'MB' }),
        figure(`list of ${many}, decoded`, listing, { aim: 20 }),
        figure(`sampling all of them every ${sampleSeconds} s`, [sampling], { unit: '% of a core', aim: 1 }),
        figure('con while nobody asks, all that it does', [rest.percent], { unit: '% of a core' }),
        figure(`stopped cleanly, ${atOnce} at a time`, rate(stopped), { unit: 'a second' }),
      ],
      base,
    ),
  ];
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

async function abreast(ids: readonly string[], act: (id: string, n: number) => Promise<void>): Promise<void> {
  const left = ids.map((id, n) => [id, n] as const).reverse();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = left.pop(); next; next = left.pop()) await act(...next);
    }),
  );
}

async function until(con: RunningCon, id: string, state: string): Promise<void> {
  for (;;) {
    const { container } = await con.client['containers.get']({ id });
    if (container.state === state) return;
    if (container.state === 'failed') throw new Error(`${id} failed: ${container.reason}`);
    await delay(5);
  }
}

/** Until what boots has booted: the host's load of a second falls below one core for each two, or two minutes pass. */
async function settled(con: RunningCon, many: number): Promise<void> {
  for (let round = 0; round < 24; round++) {
    const before = busyTicks();
    await delay(5_000);
    if ((busyTicks() - before) / hertz / 5 < 0.5) return;
  }
  console.log(`${many} containers of ${con.options.name} were still busy after two minutes`);
}

/** Of all processors, user and system (proc(5), /proc/stat). */
function busyTicks(): number {
  const [, user, nice, system] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).map(Number);
  return user! + nice! + system!;
}

function takenMB(): number {
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))![1]) / 1024;
  return of('MemTotal') - of('MemAvailable');
}

/** What a process used of a core while something was done. */
async function coreOf(pid: number, act: () => Promise<void>): Promise<{ cpuMs: number; percent: number }> {
  const ticks = (): number => {
    // After the name in parentheses: utime and stime are the 12th and 13th word (proc(5)).
    const words = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(words[11]) + Number(words[12]);
  };
  const [before, from] = [ticks(), performance.now()];
  await act();
  const cpuMs = ((ticks() - before) * 1_000) / hertz;
  return { cpuMs, percent: (cpuMs * 100) / (performance.now() - from) };
}
