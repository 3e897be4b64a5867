import { describe, expect, it } from '@jest/globals';
import { isCursor, readEntries } from './log-entries.js';

const cursor = 's=5ad0;i=2f;b=9c1e;m=1a;t=62a;x=d0f1';
const line = (more: object): string =>
  `${JSON.stringify({ __CURSOR: cursor, __REALTIME_TIMESTAMP: '1893456000123456', MESSAGE: 'said', ...more })}\n`;

describe('what a journal says', () => {
  it('has its time, its source, how grave it is, and its text', () => {
    expect(readEntries(line({ PRIORITY: '3', SYSLOG_IDENTIFIER: 'nginx' }))).toEqual({
      entries: [{ at: '2030-01-01T00:00:00.123Z', source: 'nginx', priority: 3, text: 'said' }],
      next: cursor,
    });
  });

  it('is read where it is bytes, and told of where it is too long', () => {
    const texts = readEntries(line({ MESSAGE: [104, 105, 255] }) + line({ MESSAGE: null })).entries;
    expect(texts.map(({ text }) => text)).toEqual(['hi\ufffd', '(more than can be shown)']);
  });

  it('is passed over where it is cut, no JSON, or not of journald', () => {
    const odd = [
      '{"__CURSOR":',
      '[]',
      '"x"',
      line({ __CURSOR: '--help' }).trim(),
      line({ __REALTIME_TIMESTAMP: '1e3' }).trim(),
    ];
    expect(readEntries(`${odd.join('\n')}\n${line({}).trim()}`)).toEqual({ entries: [] });
  });

  it('goes on after a place that looks like one', () => {
    expect([cursor, '', '-x', 's=1', 's=1;i=$(id)', `s=${'1'.repeat(400)};i=1`].map(isCursor)).toEqual([
      true,
      ...Array.from({ length: 5 }, () => false),
    ]);
  });
});
