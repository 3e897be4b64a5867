import { setTimeout as delay } from 'node:timers/promises';
import { ownCon, type RunningCon } from '../con-service.ts';
import { statusOf } from '../http-status.ts';
import { begun } from './inside.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';
import { withRealCon, type Template } from './real-con.ts';

const rounds = 12;

/** 200 MB in as many files; the page says when it is done. */
const fill =
  'for i in $(seq 200); do dd if=/dev/urandom of=/var/filled.$i bs=1M count=1; done; sync; touch /srv/page/filled';
/** Writes, renames and deletes as long as it is let. */
const write = 'while :; do dd if=/dev/urandom of=/var/more bs=64k count=32; mv /var/more /var/most; done';

/** A duplicate of a container that runs, holds 200 MB and writes on, on each kind of storage. */
export async function run(): Promise<readonly Figure[]> {
  const base = spawnOfTrue();
  const figures: Figure[] = [];
  for (const storage of ['overlay', 'btrfs']) {
    const { env } = ownCon('linux');
    const settings = { CON_STORAGE: storage, CON_POOL_BYTES: `${8 * 2 ** 30}` };
    const measured = await withRealCon('duplicates', (con, template) => measure(con, template, storage), {
      env: { ...env, ...settings },
    });
    figures.push(...measured);
  }
  return [base, ...against(figures, base)];
}

async function measure(con: RunningCon, template: Template, storage: string): Promise<Figure[]> {
  const url = await running(con, template);
  await begun(con, 'source', ['sh', '-c', fill], 120_000);
  while ((await statusOf(`${url}/filled`)) !== 200) await delay(50);
  await begun(con, 'source', ['sh', '-c', write], 600_000);
  await delay(1_000);
  const [whole, waits]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const id = `copy-${round}`;
    const from = performance.now();
    await con.client['containers.duplicate']({ id, from: 'source', name: id });
    const waiting = longestWait(url);
    await reached(con, id, 'stopped');
    whole.push(performance.now() - from);
    waits.push(await waiting());
    await con.client['containers.trash']({ id });
    await con.client['containers.destroy']({ id });
    await delay(1_000);
  }
  return [
    figure(`a duplicate of 200 MB on ${storage}, whole`, whole, { aim: 1_000 }),
    // What is frozen cannot answer: the longest wait of a visitor is at least as long.
    figure(`the longest wait for its page meanwhile, on ${storage}`, waits, storage === 'btrfs' ? { aim: 30 } : {}),
  ];
}

/** Asks for a page again and again until it is told to say how long the longest wait was. */
function longestWait(url: string): () => Promise<number> {
  let isOver = false;
  const asking = (async () => {
    let longest = 0;
    while (!isOver) {
      const from = performance.now();
      await statusOf(url);
      longest = Math.max(longest, performance.now() - from);
    }
    return longest;
  })();
  return () => {
    isOver = true;
    return asking;
  };
}

async function running(con: RunningCon, template: Template): Promise<string> {
  await con.client['containers.create']({ id: 'source', name: 'source', owner: 'bench', template });
  await reached(con, 'source', 'stopped');
  await con.client['containers.start']({ id: 'source' });
  await reached(con, 'source', 'running');
  const { container } = await con.client['containers.get']({ id: 'source' });
  while ((await statusOf(container.url!)) !== 200) await delay(10);
  return container.url!;
}

async function reached(con: RunningCon, id: string, state: string): Promise<void> {
  for (;;) {
    const { container } = await con.client['containers.get']({ id });
    if (container.state === state) return;
    if (container.state === 'failed') throw new Error(`${id} failed: ${container.reason}`);
    await delay(2);
  }
}
