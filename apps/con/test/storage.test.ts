import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from '@jest/globals';
import { settleStorage } from '../src/host/linux/storage.js';
import { Ground } from './ground.js';
import { btrfs, describeReal } from './real.js';
import { itKeepsVolumes } from './storage-contract.js';

describeReal('storage by overlayfs, with a disk for each container', () => {
  itKeepsVolumes(new Ground());
});

describeReal(
  'storage in a btrfs pool',
  () => {
    itKeepsVolumes(new Ground({ storage: 'btrfs', poolBytes: `${2 ** 31}` }));

    it('is refused where the home was begun with the other kind, saying which', () => {
      const home = mkdtempSync(`${tmpdir()}/con-storage-`);
      settleStorage({ home, storage: 'overlay' });
      settleStorage({ home, storage: 'overlay' });
      expect(() => settleStorage({ home, storage: 'btrfs' })).toThrow(
        /^cannot use btrfs in .*: what it holds lies on overlay; set storage to overlay/,
      );
      rmSync(home, { recursive: true });
    });
  },
  [btrfs],
);
