import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Changes } from './changes.js';
import { overlaps } from './prepare.js';

describe('changes to the host', () => {
  let home: string;
  let file: string;
  const notes: string[] = [];
  const changes = (): Changes => new Changes(home, (text) => notes.push(text));

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'berth-changes-'));
    file = `${home}/subuid`;
    notes.length = 0;
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('are said before they are made, kept across daemons, and undone', () => {
    writeFileSync(file, 'ada:100000:65536\n');
    changes().line(file, 'root:1048576:65536', 'user ids of containers');
    expect(notes).toEqual([`adding "root:1048576:65536" to ${file}: user ids of containers`]);
    expect(readFileSync(file, 'utf8')).toBe('ada:100000:65536\nroot:1048576:65536\n');
    expect(changes().list()).toEqual([{ kind: 'line', file, line: 'root:1048576:65536' }]);
    changes().undo();
    expect(readFileSync(file, 'utf8')).toBe('ada:100000:65536\n');
    expect(changes().list()).toEqual([]);
  });

  it('are not made twice', () => {
    for (let time = 0; time < 2; time += 1) changes().line(file, 'root:1:2', 'why');
    expect(readFileSync(file, 'utf8')).toBe('root:1:2\n');
    expect(changes().list()).toHaveLength(1);
  });

  it('that somebody else has undone are left alone', () => {
    changes().line(file, 'root:1:2', 'why');
    writeFileSync(file, 'ada:3:4\n');
    changes().undo();
    expect(readFileSync(file, 'utf8')).toBe('ada:3:4\n');
    expect(notes).toContain(`leaving ${file}: the line "root:1:2" has gone already`);
  });

  it('of a setting that has its value already are none', () => {
    const now = readFileSync('/proc/sys/kernel/pid_max', 'utf8').trim();
    changes().setting('kernel.pid_max', now, 'why');
    changes().setting('kernel.no_such_setting', '1', 'why');
    expect(changes().list()).toEqual([]);
  });
});

describe('the names of two daemons on one host', () => {
  it('must not begin each other’s interface names', () => {
    expect(overlaps('con', 'conv')).toBe(true);
    expect(overlaps('convx', 'con')).toBe(true);
    expect(overlaps('conb1', 'con')).toBe(true);
    expect(overlaps('con', 'con2')).toBe(false);
    expect(overlaps('one', 'two')).toBe(false);
  });
});
