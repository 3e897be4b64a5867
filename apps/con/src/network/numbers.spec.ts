import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase } from '../database.js';
import { Numbers } from './numbers.js';

const restSeconds = 50;
const pools = { addressPool: '10.77.0.0/16', firstId: 1_048_576, firstPort: 20_000, lastPort: 20_009, restSeconds };
const fresh = (): Numbers => new Numbers(openDatabase(':memory:'), pools);
const at = (second: number): Date => new Date(second * 1_000);

describe('the numbers of a host', () => {
  it('are 65,270 addresses, each once, none of those kept free and none of a line’s; then it is said', () => {
    const numbers = fresh();
    const addresses = new Set<string>();
    for (let n = 0; n < 65_270; n++) addresses.add(numbers.addressOf(numbers.takeSlot(at(0))));
    expect(addresses.size).toBe(65_270);
    for (const address of addresses) {
      const [, third = NaN, fourth = NaN] = /^10\.77\.(\d+)\.(\d+)$/.exec(address)?.map(Number) ?? [];
      expect(third <= 254 && fourth <= 255 && (third > 0 || fourth >= 10)).toBe(true);
    }
    expect(() => numbers.takeSlot(at(0))).toThrow('every address of this host is taken');
    numbers.release(4_711, at(1));
    expect(() => numbers.takeSlot(at(restSeconds))).toThrow('every address of this host is taken');
    expect(numbers.takeSlot(at(restSeconds + 1))).toBe(4_711);
  });

  /** What a host does with its numbers, at random: the seconds that pass before each step, and whom it is about. */
  const steps = fc.array(
    fc.record({
      does: fc.constantFrom('take', 'take', 'port', 'choose', 'give back a port', 'release', 'restart'),
      passed: fc.nat(30),
      whom: fc.nat(20),
      port: fc.integer({ min: 20_000, max: 20_012 }),
    }),
    { maxLength: 80 },
  );

  it('are never two containers’ at a time, and rest before another has them, whatever happens in which order', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const database = openDatabase(':memory:');
        let numbers = new Numbers(database, pools);
        let now = 0;
        const live: number[] = [];
        const ports = new Map<number, number>();
        const [slotsRest, portsRest] = [new Map<number, number>(), new Map<number, { slot: number; since: number }>()];
        const giveBack = (port: number, slot: number): void => {
          if (ports.get(port) !== slot) return;
          ports.delete(port);
          portsRest.set(port, { slot, since: now });
        };
        const had = (port: number, slot: number): void => {
          const rest = portsRest.get(port);
          expect(ports.get(port) ?? slot).toBe(slot);
          if (rest && rest.slot !== slot) expect(now - rest.since).toBeGreaterThanOrEqual(restSeconds);
          ports.set(port, slot);
        };
        for (const { does, passed, whom, port } of all) {
          now += passed;
          const slot = live[whom % live.length];
          if (does === 'restart') numbers = new Numbers(database, pools);
          if (does === 'take') {
            const taken = numbers.takeSlot(at(now));
            expect(live).not.toContain(taken);
            expect(now - (slotsRest.get(taken) ?? -Infinity)).toBeGreaterThanOrEqual(restSeconds);
            live.push(taken);
          }
          if (slot === undefined) continue;
          if (does === 'port')
            attempt(() =>
              had(
                mustNotBe(
                  20_003,
                  numbers.takePort(slot, at(now), (one) => one === 20_003),
                ),
                slot,
              ),
            );
          if (does === 'choose') attempt(() => (numbers.choosePort(port, slot, at(now)), had(port, slot)));
          if (does === 'give back a port') {
            numbers.releasePort(port, slot, at(now));
            giveBack(port, slot);
          }
          if (does === 'release') {
            numbers.release(slot, at(now));
            for (const one of [...ports.keys()]) giveBack(one, slot);
            live.splice(live.indexOf(slot), 1);
            slotsRest.set(slot, now);
          }
        }
        database.close();
      }),
      { numRuns: 150 },
    );
  });

  it('tell each owner’s networks and ids apart, and keep them', () => {
    const numbers = fresh();
    const names = fc.constantFrom('ann', 'bob', 'cleo', 'ann-bob', 'back', 'front');
    const given = new Map<number, string>();
    fc.assert(
      fc.property(names, names, (owner, name) => {
        const number = numbers.networkOf(owner, name);
        expect(given.get(number) ?? `${owner}/${name}`).toBe(`${owner}/${name}`);
        given.set(number, `${owner}/${name}`);
        expect(numbers.networkOf(owner, name)).toBe(number);
        expect(numbers.rangeOf(owner)).toBe(numbers.rangeOf(owner));
      }),
    );
  });
});

/** What is refused changes nothing; only what is given is looked at. A failed expectation is no refusal. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!/^cannot forward/.test((error as Error).message)) throw error;
  }
}

/** The host serves it itself. */
function mustNotBe(served: number, port: number): number {
  expect(port).not.toBe(served);
  return port;
}
