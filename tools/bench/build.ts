import { setTimeout as delay } from 'node:timers/promises';
import type { Step, Template } from '@berth/con-protocol';
import type { RunningCon } from '../con-service.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { withRealCon } from './real-con.ts';

const rounds = 10;

/** Of 20 lines of a Confile: all from the cache, and each run anew, beside the nothing that its command does. */
export function run(): Promise<readonly Figure[]> {
  return withRealCon('builds', measure);
}

async function measure(con: RunningCon): Promise<readonly Figure[]> {
  const cached: number[] = [];
  const answered: number[] = [];
  const base = spawnOfTrue();
  const ran = await build(
    con,
    'run',
    confile((at) => `RUN : ${at}`),
  );
  const copied = await build(
    con,
    'copy',
    confile((at) => `COPY <<END /srv/${at}\n${at}\nEND`),
  );
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const again = await build(
      con,
      `again-${round}`,
      confile((at) => `RUN : ${at}`),
    );
    answered.push(performance.now() - began);
    if (!again.steps.every(({ state }) => state === 'cached')) throw new Error('a line was run that is in the cache');
    cached.push(again.template.milliseconds);
  }
  return [
    base,
    ...against(
      [
        figure('20 lines, all cached, in the daemon', cached, { aim: 30 }),
        figure('the same, from the call to ready', answered),
        figure('one RUN that does nothing, with a network', eachOf(ran.steps), { aim: 100 }),
        figure('one COPY of a small file, without a network', eachOf(copied.steps), { aim: 50 }),
      ],
      base,
    ),
  ];
}

function confile(line: (at: number) => string): string {
  return ['FROM debian:bookworm', ...Array.from({ length: 19 }, (_, at) => line(at))].join('\n');
}

/** The milliseconds of the lines that were run; FROM is not among them. */
function eachOf(steps: readonly Step[]): number[] {
  return steps.slice(1).flatMap(({ state, milliseconds }) => (state === 'done' ? [milliseconds ?? 0] : []));
}

async function build(con: RunningCon, name: string, text: string): Promise<{ template: Template; steps: Step[] }> {
  const key = { name, version: '1' };
  await con.client['templates.build']({ ...key, confile: text });
  for (;;) {
    const found = await con.client['templates.get'](key);
    if (found.template.state === 'ready') return found;
    if (found.template.state === 'failed') throw new Error(`${name} failed: ${found.template.reason}`);
    await delay(1);
  }
}
