import { Ground } from './ground.js';
import { describeReal } from './real.js';
import { itKeepsVolumes } from './storage-contract.js';

describeReal('storage by overlayfs, with a disk for each container', () => {
  itKeepsVolumes(new Ground(), () => true);
});
