import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conClient, type ConClient } from '@berth/con-protocol';
import { pino } from 'pino';
import { readConfig } from '../src/config.js';
import { startDaemon } from '../src/daemon.js';

export type FakeCon = Readonly<{
  url: string;
  socketPath: string;
  token: string;
  client: ConClient;
  stop(): Promise<void>;
}>;

/** A whole daemon on the fake host, in a home of its own and on a free port. */
export async function startFakeCon(settings: Readonly<Record<string, string>> = {}): Promise<FakeCon> {
  const home = settings['home'] ?? mkdtempSync(join(tmpdir(), 'fake-con-'));
  const flags = { driver: 'fake', home, runDirectory: home, listenPort: '0', ...settings };
  const daemon = await startDaemon(readConfig(flags, {}), pino({ level: 'silent' }));
  const socketPath = join(home, 'con.sock');
  return {
    url: `http://127.0.0.1:${daemon.port}`,
    socketPath,
    token: readFileSync(join(home, 'token'), 'utf8').trim(),
    client: conClient({ socketPath }),
    stop: async () => {
      await daemon.close();
      rmSync(home, { recursive: true });
    },
  };
}
