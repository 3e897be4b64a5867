import { describe, expect, it } from '@jest/globals';
import { isServed } from './listening.js';

/** As the kernel prints it: 22 and [::]:80 listen, 20000 is the near end of a connection, 53 is a UDP server's. */
const files: Readonly<Record<string, string>> = {
  '/proc/net/tcp': `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 18031 1
   1: 0A00000A:4E20 0A00000B:0016 01 00000000:00000000 00:00000000 00000000     0        0 18032 1
`,
  '/proc/net/tcp6': `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
`,
  '/proc/net/udp': `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  377: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 11 2
  378: 0A00000A:9C40 0A00000B:0035 01 00000000:00000000 00:00000000 00000000   101        0 11 2
`,
};
const linesOf = function* (path: string): Generator<string> {
  yield* (files[path] ?? '').split('\n');
};

describe('the host', () => {
  it.each([
    ['tcp', 22, true],
    ['tcp', 80, true],
    ['tcp', 20000, false],
    ['tcp', 53, false],
    ['udp', 53, true],
    ['udp', 40000, false],
    ['udp', 22, false],
  ] as const)('by %s at port %i serves: %s', (protocol, port, expected) => {
    expect(isServed(protocol, port, linesOf)).toBe(expected);
  });
});
