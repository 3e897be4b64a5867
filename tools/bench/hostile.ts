import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '@berth/con-protocol';
import type { RunningCon } from '../con-service.ts';
import { statusOf } from '../http-status.ts';
import { begun } from './inside.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { withRealCon, type Template } from './real-con.ts';

const lists = 200;
const pages = 500;
const forMs = 20_000;
const connections = 10_000;

/** What a root user inside may do to a host: each of them bounded by time, and ended with its container. */
const attacks: Readonly<Record<string, string>> = {
  'a fork bomb': ':(){ :|:& };:',
  'a full disk': 'dd if=/dev/zero of=/var/full bs=1M; while :; do echo more >> /var/full; done',
  [`${connections.toLocaleString('en')} connections`]: `exec perl -MIO::Socket::INET -e '
    my @open; $SIG{ALRM} = sub { exit }; alarm ${2 * (forMs / 1_000)};
    while (1) { my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 1); push @open, $s if $s;
      @open = () if @open >= ${connections} }' "$HOST" "$PORT"`,
  'a flood of logs': 'yes "$(head -c 900 /dev/zero | tr "\\0" x)" | systemd-cat',
};

/** A neighbour's page and con's list beside containers that do the worst they can, against the same when all is quiet. */
export function run(): Promise<readonly Figure[]> {
  return withRealCon('hostile neighbours', measure);
}

async function measure(con: RunningCon, template: Template): Promise<readonly Figure[]> {
  const neighbour = await running(con, template, 'neighbour', 'good');
  const base = spawnOfTrue();
  await answers(neighbour);
  await delay(5_000); // what boots is not what is measured
  const quiet = figure("a neighbour's page, all quiet", await visits(neighbour));
  const figures: Figure[] = [quiet, figure('con lists, all quiet', await listings(con))];
  for (const [what, script] of Object.entries(attacks)) {
    const name = what.replace(/[^a-z]+/g, '-').replace(/^-|-$/g, '');
    const own = await running(con, template, name, 'bad');
    await answers(own);
    const { hostname, port } = new URL(own);
    const attack = await begun(con, name, ['sh', '-c', `HOST=${hostname} PORT=${port}; ${script}`], 2 * forMs);
    await delay(1_500); // until it is at its worst
    const [page, list] = [await visits(neighbour), await listings(con)];
    figures.push(
      figure(`a neighbour's page beside ${what}`, page, {
        aim: 2 * quiet.p99,
        judged: 'p99',
        ratio: { to: quiet.name, value: figure('', page).p99 / quiet.p99 },
      }),
      figure(`con lists beside ${what}`, list, { aim: 100, judged: 'p99' }),
    );
    attack.end();
    await con.client['containers.kill']({ id: name });
    await gone(con, name);
  }
  return [base, ...against(figures, base)];
}

async function running(con: RunningCon, template: Template, id: string, owner: string): Promise<string> {
  await con.client['containers.create']({ id, name: id, owner, template });
  await reached(con, id, 'stopped');
  await con.client['containers.start']({ id });
  return (await reached(con, id, 'running')).url!;
}

async function reached(con: RunningCon, id: string, state: string): Promise<Container> {
  for (;;) {
    const { container } = await con.client['containers.get']({ id });
    if (container.state === state) return container;
    if (container.state === 'failed') throw new Error(`${id} failed: ${container.reason}`);
    await delay(5);
  }
}

/** Killed, and then destroyed: what it wrote is not left for the next attack to be measured beside. */
async function gone(con: RunningCon, id: string): Promise<void> {
  await reached(con, id, 'stopped');
  await con.client['containers.trash']({ id });
  await reached(con, id, 'trashed');
  await con.client['containers.destroy']({ id });
}

async function answers(url: string): Promise<void> {
  while ((await statusOf(url)) !== 200) await delay(10);
}

/** One after the other, a connection each; a page that does not come is as slow as the longest wait. */
async function visits(url: string): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + forMs / 2;
  while (times.length < pages && performance.now() < until) {
    const from = performance.now();
    const status = await statusOf(url);
    times.push(status === 200 ? performance.now() - from : 1_000);
    await delay(5);
  }
  return times;
}

async function listings(con: RunningCon): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < lists; round++) {
    const from = performance.now();
    await con.client['containers.list']({});
    times.push(performance.now() - from);
    await delay(10);
  }
  return times;
}
