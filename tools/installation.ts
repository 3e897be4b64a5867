import { resolve } from 'node:path';
import type { ConOptions } from './con-service.ts';
import { stateDirectory } from './state.ts';

/** Where one installation keeps what it makes. */
export type Installation = Readonly<{
  state: string;
  /** Which packages were not there before. */
  packages: string;
  postgres: string;
  roles: string;
  site: string;
  con: ConOptions;
}>;

/** What `npm start` makes of this clone, and `npm run teardown` takes away again. */
export function installation(driver: 'linux' | 'fake'): Installation {
  const state = stateDirectory();
  const isUsual = process.getuid?.() === 0 && process.env['BERTH_STATE'] === undefined;
  return {
    state,
    packages: resolve(state, 'packages.json'),
    postgres: resolve(state, 'postgres'),
    roles: resolve(state, 'postgres', 'roles.json'),
    site: resolve(state, 'site'),
    con: {
      driver,
      name: 'con',
      home: resolve(state, 'con'),
      runDirectory: isUsual ? '/run/berth/con' : resolve(state, 'run'),
      network: 77,
      firstPort: 20_000,
      lastPort: 29_999,
      listenPort: Number(process.env['BERTH_CON_PORT'] ?? 7077),
    },
  };
}

/** What `npm run dev` makes: beside the other one, so that both can run. */
export function development(driver: 'linux' | 'fake'): Installation {
  const state = `${stateDirectory()}-dev`;
  return {
    state,
    packages: resolve(state, 'packages.json'),
    postgres: resolve(state, 'postgres'),
    roles: resolve(state, 'postgres', 'roles.json'),
    site: resolve(state, 'site'),
    con: {
      driver,
      name: 'dev',
      home: resolve(state, 'con'),
      runDirectory: resolve(state, 'run'),
      network: 78,
      firstPort: 18_000,
      lastPort: 18_999,
      listenPort: 7078,
    },
  };
}
