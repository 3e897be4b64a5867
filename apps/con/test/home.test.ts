import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../src/config.js';
import { startDaemon } from '../src/daemon.js';
import { FakeHost } from '../src/host/fake/fake.js';

describe('A home', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'con-home-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const started = async (driver: 'linux' | 'fake'): Promise<void> => {
    const config = readConfig({ driver, home, runDirectory: home, listenPort: '0', name: 'tst' }, {});
    const daemon = await startDaemon(config, pino({ level: 'silent' }), new FakeHost(config));
    await daemon.close();
  };

  it('stays with the kind of host that it was begun with, also where that was not noted yet', async () => {
    await started('fake');
    const refusal = /holds containers of the driver fake; start con with --driver fake, or give it another --home/;
    await expect(started('linux')).rejects.toThrow(refusal);
    rmSync(join(home, 'driver'));
    await expect(started('linux')).rejects.toThrow(refusal);
    await started('fake');
  });
});
