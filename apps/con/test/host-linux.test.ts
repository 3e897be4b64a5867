import { House } from './house.js';
import { itKeepsTheContract } from './host-contract.js';
import { describeReal } from './real.js';

describeReal('a real host', () => {
  itKeepsTheContract(async () => {
    const house = new House();
    await house.enter();
    return { host: house.host, layer: 1, addressOf: (slot) => house.address(slot), leave: () => house.leave() };
  });
});
