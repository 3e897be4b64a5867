import { describe, expect, it } from '@jest/globals';
import { ConfileFault } from './confile.js';
import { parseConfile } from './parse.js';
import { bareSurroundings, resolve, type Act, type Surroundings } from './resolve.js';

const problemsOf = (text: string, given?: Record<string, string>): ConfileFault['problems'] => {
  try {
    parseConfile(text, given);
  } catch (error) {
    if (error instanceof ConfileFault) return error.problems;
    throw error;
  }
  return [];
};

/** What the last line does, and what stands around it. */
function built(text: string, given: Record<string, string> = {}): { act: Act | undefined; end: Surroundings } {
  let end = bareSurroundings;
  let act: Act | undefined;
  for (const line of parseConfile(`FROM debian:bookworm\n${text}`, given).lines) {
    ({ act, after: end } = resolve(line, end));
  }
  return { act, end };
}

const shell = (script: string): Act => ({ kind: 'run', argv: ['/bin/sh', '-c', script] });

/** As Docker's reference for Dockerfiles describes what both have. */
describe('What Dockerfiles share', () => {
  it('ARG is for the lines below it, has a default, is given by the build, and yields to ENV', () => {
    expect(built('ARG A\nARG B=two C="three words"').end.args).toEqual({ B: 'two', C: 'three words' });
    expect(built('ARG A=1\nARG B=$A', { A: '9' }).end.args).toEqual({ A: '9', B: '9' });
    expect(built('ARG A=arg\nENV A=env\nWORKDIR /$A').end.workdir).toBe('/env');
    expect(built('WORKDIR /x$A\nARG A=1').end.workdir).toBe('/x');
    expect(built('ENV X=1').end).not.toHaveProperty('args');
  });

  it('ARG above FROM is for FROM, and for an ARG of that name below it', () => {
    const text = 'ARG SUITE=bookworm\nARG OTHER=o\nFROM debian:${SUITE}\nARG SUITE\nWORKDIR /$SUITE$OTHER';
    const { from, lines } = parseConfile(text, { SUITE: 'trixie' });
    expect(from).toMatchObject({ name: 'debian', version: 'trixie' });
    const [arg, workdir] = lines;
    const { after } = resolve(arg!, bareSurroundings);
    expect(resolve(workdir!, after).after.workdir).toBe('/trixie');
  });

  it('a here-document alone is the script, and beside a command it is the shell’s', () => {
    expect(built('RUN <<EOF\necho a # no comment\n\n  echo $b\nEOF').act).toEqual(
      shell('echo a # no comment\n\n  echo $b\n'),
    );
    expect(built('RUN cat <<EOF > /x\n$A\nEOF').act).toEqual(shell('cat <<EOF > /x\n$A\nEOF\n'));
    expect(built('RUN <<-EOF\n\t\techo a\n\tEOF').act).toEqual(shell('echo a\n'));
    expect(built('RUN echo $((1<<2)) a<<b').act).toEqual(shell('echo $((1<<2)) a<<b'));
    expect(built('RUN python3 <<A && cat <<B\n1\nA\n2\nB').act).toEqual(shell('python3 <<A && cat <<B\n1\nA\n2\nB\n'));
    const act = built('RUN <<EOF\n#!/usr/bin/perl\nprint 1;\nEOF').act as Extract<Act, { kind: 'run' }>;
    expect(act.argv.slice(-2)).toEqual(['con', '#!/usr/bin/perl\nprint 1;\n']);
  });

  it('COPY takes a here-document for a file, with variables unless its word is quoted', () => {
    const inline = (text: string): unknown => (built(`ENV A=1\n${text}`).act as { inline?: unknown }).inline;
    expect(inline('COPY <<EOF /etc/x\na=$A \\$A "${A}" ${B:-b}\nEOF')).toEqual([
      { name: 'EOF', content: 'a=1 $A "1" b\n' },
    ]);
    expect(inline("COPY <<'EOF' /etc/x\n$A\nEOF")).toEqual([{ name: 'EOF', content: '$A\n' }]);
    expect(built('COPY a <<B <<C /etc/\nb\nB\nc\nC').act).toMatchObject({
      sources: ['a'],
      inline: [
        { name: 'B', content: 'b\n' },
        { name: 'C', content: 'c\n' },
      ],
    });
  });

  it('COPY gives an owner and a mode', () => {
    expect(built('ARG U=www-data\nCOPY --chown=$U:staff --chmod=0640 a /b').act).toEqual({
      ...{ kind: 'copy', sources: ['a'], destination: '/b' },
      ...{ owner: { user: 'www-data', group: 'staff' }, mode: 0o640 },
    });
    expect(built('COPY --chown=33 a /b').act).toMatchObject({ owner: { user: '33' } });
  });

  it('HEALTHCHECK is a command or a path, the last one counts, and NONE takes it away', () => {
    const usual = { intervalMs: 30_000, timeoutMs: 5_000, startMs: 0, retries: 3 };
    expect(built('HEALTHCHECK CMD curl -f http://localhost/').end.healthcheck).toEqual({
      ...{ kind: 'command', argv: ['/bin/sh', '-c', 'curl -f http://localhost/'] },
      ...usual,
    });
    expect(built('HEALTHCHECK CMD ["/check", "a b"]').end.healthcheck).toMatchObject({ argv: ['/check', 'a b'] });
    const timed = 'HEALTHCHECK --interval=2m --timeout=500ms --start-period=10s --retries=5 HTTP :8080/health?a=b';
    expect(built(timed).end.healthcheck).toEqual({
      ...{ kind: 'http', path: '/health?a=b', port: 8080 },
      ...{ intervalMs: 120_000, timeoutMs: 500, startMs: 10_000, retries: 5 },
    });
    expect(built('HEALTHCHECK HTTP /\nHEALTHCHECK NONE').end).not.toHaveProperty('healthcheck');
  });

  it.each<[string, string, number, number, RegExp]>([
    ['a here-document without an end', 'RUN cat <<EOF\na', 2, 9, /<<EOF is never ended/],
    ['a name that is none', 'ARG 1a=b', 2, 5, /cannot name a variable/],
    ['an owner that is none', 'COPY --chown=a:b:c a /b', 2, 14, /is no owner/],
    ['an id beyond the range', 'COPY --chown=65534 a /b', 2, 14, /is no owner/],
    ['a mode that is none', 'COPY --chmod=u+x a /b', 2, 14, /is no mode/],
    ['an option without a value', 'COPY --chown a /b', 2, 6, /needs a value/],
    ['an option twice', 'COPY --chown=a --chown=b a /b', 2, 16, /twice/],
    ['a check of nothing', 'HEALTHCHECK CMD', 2, 13, /needs CMD and a command/],
    ['a check in another way', 'HEALTHCHECK curl x', 2, 13, /needs CMD and a command/],
    ['a path that is none', 'HEALTHCHECK HTTP http://x/', 2, 13, /needs a path/],
    ['a time that is none', 'HEALTHCHECK --interval=never HTTP /', 2, 24, /is a time such as 30s/],
    ['a check every moment', 'HEALTHCHECK --interval=10ms HTTP /', 2, 24, /from 1000 ms/],
    [
      'more ports than a container may have',
      `EXPOSE ${Array.from({ length: 33 }, (_, n) => n + 1).join(' ')}`,
      2,
      8,
      /more than 32 ports/,
    ],
    ['a command that no kernel takes', `RUN ${'x'.repeat(140_000)}`, 2, 5, /longer than 127 KiB/],
    ['CMD', 'CMD ["nginx"]', 2, 1, /no CMD in a Confile: a container runs systemd/],
    ['ADD', 'ADD https://example.org/x /x', 2, 1, /use COPY for files, and RUN/],
    ['USER', 'user app', 2, 1, /no USER in a Confile: .*--chown/],
    ['a hidden word of every object', 'toString x', 2, 1, /no instruction "toString"/],
  ])('is refused for %s, with position and what to do', (_, line, at, column, message) => {
    expect(problemsOf(`FROM debian:bookworm\n${line}`)).toEqual([
      { line: at, column, message: expect.stringMatching(message) },
    ]);
  });

  it('refuses a value for an ARG that does not stand in it', () => {
    expect(problemsOf('FROM debian:bookworm\nARG A', { A: '1', B: '2' })).toEqual([
      { line: 1, column: 1, message: 'it has no ARG "B" that could be given a value' },
    ]);
  });

  it('counts lines behind a here-document as they stand in the text', () => {
    expect(problemsOf('FROM debian:bookworm\nRUN <<EOF\na\nb\nEOF\nX')).toMatchObject([{ line: 6, column: 1 }]);
  });
});
