import { rmSync } from 'node:fs';
import { ownCon, startCon } from '../con-service.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';

const many = 1_000;

/** A thousand containers of the fake host, listed through the RPC as site asks for them. */
export async function run(): Promise<readonly Figure[]> {
  const options = { ...ownCon('fake'), firstPort: 40_000, lastPort: 41_999 };
  const con = await startCon(options);
  try {
    const template = { name: 'empty', version: '1' };
    await con.client['templates.build']({ ...template, confile: 'FROM debian:bookworm\nEXPOSE 80\n' });
    while ((await con.client['templates.get'](template)).template.state !== 'ready');
    for (let n = 0; n < many; n++) {
      await con.client['containers.create']({ id: `c${n}`, name: `c${n}`, owner: `owner${n % 50}`, template });
    }
    for (let n = 0; n < many; n++) await con.client['containers.start']({ id: `c${n}` });
    const base = spawnOfTrue();
    const whole: number[] = [];
    const known: number[] = [];
    let version = '';
    for (let round = 0; round < 40; round++) {
      const started = performance.now();
      const answer = await con.client['containers.list']({});
      whole.push(performance.now() - started);
      if (answer.containers?.length !== many)
        throw new Error(`${answer.containers?.length} containers listed, not ${many}`);
      version = answer.version;
      const again = performance.now();
      await con.client['containers.list']({ known: version });
      known.push(performance.now() - again);
    }
    return [
      base,
      ...against(
        [figure(`list of ${many}, decoded`, whole, { aim: 60 }), figure(`numbers of ${many} only`, known)],
        base,
      ),
    ];
  } finally {
    await con.stop();
    rmSync(options.home, { recursive: true, force: true });
    rmSync(options.runDirectory, { recursive: true, force: true });
  }
}
