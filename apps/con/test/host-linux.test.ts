import { House } from './house.js';
import { itKeepsTheContract } from './host-contract.js';
import { btrfs, describeReal } from './real.js';

const tests = (settings: Readonly<Record<string, string>>): void =>
  itKeepsTheContract(async () => {
    const house = new House(settings);
    await house.enter();
    return { host: house.host, layer: 1, addressOf: (slot) => house.address(slot), leave: () => house.leave() };
  });

describeReal('a real host', () => tests({}));
describeReal('a real host with a btrfs pool', () => tests({ storage: 'btrfs', poolBytes: `${2 ** 31}` }), [btrfs]);
