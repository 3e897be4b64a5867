import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConfileFault, type Instruction } from './confile.js';
import { parseConfile } from './parse.js';
import { bareSurroundings, resolve, type Act, type Surroundings } from './resolve.js';

const problemsOf = (text: string): readonly { line: number; column: number; message: string }[] => {
  try {
    parseConfile(text);
  } catch (error) {
    if (error instanceof ConfileFault) return error.problems;
    throw error;
  }
  return [];
};

/** What the lines do, one after another, and what is left around them. */
function walk(lines: readonly Instruction[]): { acts: Act[]; end: Surroundings } {
  let end = bareSurroundings;
  const acts = lines.map((line) => {
    const { act, after } = resolve(line, end);
    end = after;
    return act;
  });
  return { acts, end };
}

const endOf = (...lines: string[]): Surroundings =>
  walk(parseConfile(['FROM debian:bookworm', ...lines].join('\n')).lines).end;
const actOf = (...lines: string[]): Act | undefined =>
  walk(parseConfile(['FROM debian:bookworm', ...lines].join('\n')).lines).acts.at(-1);

describe('A Confile', () => {
  it('is read with comments, blank lines, continued lines and small letters', () => {
    const { from, lines } = parseConfile(
      '# my app\r\n\r\nfrom debian:trixie\r\nrun apt-get update \\\r\n  # why\r\n\r\n  && apt-get install nginx\r\n',
    );
    expect(from).toMatchObject({ name: 'debian', version: 'trixie', line: 3 });
    expect(lines).toMatchObject([{ word: 'RUN', line: 4, text: 'run apt-get update && apt-get install nginx' }]);
  });

  it('gives the shell what RUN says, and a JSON array to nobody but the program', () => {
    expect(actOf('RUN echo "$HOME" \'a b\'')).toEqual({ kind: 'run', argv: ['/bin/sh', '-c', 'echo "$HOME" \'a b\''] });
    expect(actOf('RUN ["echo", "$HOME"]')).toEqual({ kind: 'run', argv: ['echo', '$HOME'] });
    expect(actOf('RUN [ -f /etc/passwd ]')).toEqual({ kind: 'run', argv: ['/bin/sh', '-c', '[ -f /etc/passwd ]'] });
  });

  it.each(['echo "a <<EOF b"', "echo ' <<EOF '", 'echo \\"x', 'echo $((1<<2))', 'cat <<<EOF'])(
    'leaves to the shell what only looks like a here-document: %s',
    (text) => {
      expect(actOf(`RUN ${text}`, 'RUN true')).toEqual({ kind: 'run', argv: ['/bin/sh', '-c', 'true'] });
    },
  );

  it('sees a here-document behind quotes that are closed, and behind a test in brackets', () => {
    expect(actOf('RUN echo "a <<B" <<EOF', 'x', 'EOF')).toMatchObject({
      argv: ['/bin/sh', '-c', 'echo "a <<B" <<EOF\nx\nEOF\n'],
    });
    expect(actOf('RUN [ -f /a ] || cat <<EOF', 'x', 'EOF')).toMatchObject({
      argv: ['/bin/sh', '-c', '[ -f /a ] || cat <<EOF\nx\nEOF\n'],
    });
  });

  it('reads ENV and LABEL with quotes, with escapes and in the old form', () => {
    expect(endOf('ENV A=1 B="two words" C=three\\ words D=\'$A\' E="\\$A"').environment).toMatchObject({
      A: '1',
      B: 'two words',
      C: 'three words',
      D: '$A',
      E: '$A',
    });
    expect(endOf('ENV GREETING hello  there').environment).toMatchObject({ GREETING: 'hello  there' });
    expect(endOf('LABEL berth.title="A page" "berth.memory"=64MiB').labels).toEqual({
      'berth.title': 'A page',
      'berth.memory': '64MiB',
    });
  });

  it('replaces variables by what the lines above set, never by their own line', () => {
    expect(endOf('ENV a=old', 'ENV a=new b=$a').environment).toMatchObject({ a: 'new', b: 'old' });
    expect(endOf('ENV PATH=/opt/bin:$PATH').environment['PATH']).toMatch(/^\/opt\/bin:\/usr\/local\/sbin/);
    expect(endOf('ENV P=80', 'EXPOSE $P ${Q:-8080} ${P:+443}/tcp').ports).toEqual([80, 8080, 443]);
    expect(endOf('ENV D=app', 'WORKDIR /srv', 'WORKDIR $D/${NONE}x').workdir).toBe('/srv/app/x');
    expect(actOf('ENV D=app', 'WORKDIR /srv', 'COPY $D/ .')).toEqual({
      kind: 'copy',
      sources: ['app'],
      destination: '/srv/',
    });
  });

  it('copies a file to a file, several into a directory, and names with spaces', () => {
    expect(actOf('COPY ./a /b')).toEqual({ kind: 'copy', sources: ['a'], destination: '/b' });
    expect(actOf('COPY a b c /')).toEqual({ kind: 'copy', sources: ['a', 'b', 'c'], destination: '/' });
    expect(actOf('COPY ["a b", "/c d/"]')).toEqual({ kind: 'copy', sources: ['a b'], destination: '/c d/' });
  });

  it.each<[string, string, number, number, RegExp]>([
    ['an unknown word', 'FROM debian:bookworm\n  FETCH x', 2, 3, /no instruction "FETCH".*FROM, ARG, RUN/],
    ['a missing argument', 'FROM debian:bookworm\nRUN   ', 2, 4, /RUN needs a command/],
    ['no destination', 'FROM debian:bookworm\nCOPY a', 2, 6, /COPY needs a source and a destination/],
    ['a bad port', 'FROM debian:bookworm\nEXPOSE 80 70000', 2, 11, /"70000" is no port/],
    ['port 0', 'FROM debian:bookworm\nEXPOSE 0', 2, 8, /"0" is no port/],
    ['a COPY above the directory', 'FROM debian:bookworm\nCOPY a/../../b /b', 2, 6, /leads out/],
    ['a COPY from the root', 'FROM debian:bookworm\nCOPY /etc/shadow /b', 2, 6, /absolute/],
    ['several files to one', 'FROM debian:bookworm\nCOPY a b /c', 2, 10, /must end in \//],
    [
      'an unknown option',
      'FROM debian:bookworm\nCOPY --link a /c',
      2,
      6,
      /no option --link here: --chown=…, --chmod=…/,
    ],
    ['NUL', 'FROM debian:bookworm\nRUN a\0b', 2, 6, /U\+0000/],
    ['an escape for the terminal', 'FROM debian:bookworm\nRUN \x1b[2J', 2, 5, /U\+001B/],
    ['half a surrogate', 'FROM debian:bookworm\nRUN \ud800', 2, 5, /U\+D800/],
    ['an open quote', 'FROM debian:bookworm\nENV A="b\\\nc', 2, 7, /never closed/],
    ['an open brace', 'FROM debian:bookworm\nWORKDIR ${A', 2, 9, /never closed/],
    ['no FROM', 'RUN true', 1, 1, /first instruction must be FROM/],
    ['FROM twice', 'FROM debian:bookworm\nFROM debian:trixie', 2, 1, /once/],
    ['FROM without a version', 'FROM debian', 1, 6, /not name:version/],
    ['FROM with a path', 'FROM ../x:1', 1, 6, /not name:version/],
    ['nothing', '\n# only this\n', 1, 1, /no instruction/],
    ['a variable that cannot be', 'FROM debian:bookworm\nENV 1a=b', 2, 5, /cannot name a variable/],
    ['a value without a key', 'FROM debian:bookworm\nENV a=b c', 2, 9, /has no value/],
  ])('is refused for %s, with position and reason', (_, text, line, column, message) => {
    expect(problemsOf(text)).toEqual([{ line, column, message: expect.stringMatching(message) }]);
  });

  it('names the place within a continued line', () => {
    expect(problemsOf('FROM debian:bookworm\nCOPY a \\\n  # note\n   ../b \\\n /c/')).toMatchObject([
      { line: 4, column: 4 },
    ]);
  });

  it('is told every problem at once, in order', () => {
    expect(problemsOf('FROM debian:bookworm\nX\nEXPOSE a\nY').map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  it('is refused beyond 300 instructions and beyond 256 KiB', () => {
    const lines = (count: number): string =>
      ['FROM debian:bookworm', ...Array.from({ length: count }, () => 'RUN true')].join('\n');
    expect(problemsOf(lines(299))).toEqual([]);
    expect(problemsOf(lines(300))).toMatchObject([{ line: 301, message: expect.stringMatching(/more than 300/) }]);
    expect(problemsOf(`FROM debian:bookworm\nRUN ${'é'.repeat(131_072)}`)).toMatchObject([
      { message: expect.stringMatching(/longer than 256 KiB/) },
    ]);
  });

  it('never doubles a variable until the memory is full', () => {
    const lines = ['ENV A=0123456789', ...Array.from({ length: 200 }, () => 'ENV A=$A$A')];
    expect(() => endOf(...lines)).toThrow(/longer than/);
    expect(() =>
      endOf('ENV A=' + 'x'.repeat(30_000), `ENV ${Array.from({ length: 5_000 }, (_, n) => `B${n}=$A`).join(' ')}`),
    ).toThrow(/longer than/);
  });

  it('nests ${…} without end only until it is told to stop', () => {
    expect(problemsOf(`FROM debian:bookworm\nWORKDIR ${'${A:-'.repeat(20_000)}${'}'.repeat(20_000)}`)).toMatchObject([
      { line: 2, message: expect.stringMatching(/too often/) },
    ]);
  });

  it('answers any text at all with instructions or with problems that lie inside it', () => {
    const piece = fc.constantFrom(
      'FROM ',
      'debian:bookworm',
      '\n',
      'ENV ',
      'COPY ',
      'EXPOSE ',
      'LABEL ',
      'RUN ',
      'WORKDIR ',
      '\\',
      '\\\n',
      '"',
      "'",
      '$',
      '${',
      '}',
      ':-',
      '=',
      ' ',
      '..',
      '/',
      '[',
      ']',
      ',',
      '#',
      '80',
      '\r',
      '__proto__',
      'ARG ',
      'HEALTHCHECK ',
      '--chown=',
      '--interval=',
      '<<EOF',
      '<<-',
      'EOF',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((pieces) => `FROM debian:bookworm\n${pieces.join('')}`),
    );
    fc.assert(
      fc.property(text, (written) => {
        for (const { line, column } of problemsOf(written)) {
          expect(line).toBeLessThanOrEqual(written.split('\n').length);
          expect(column).toBeLessThanOrEqual((written.split('\n')[line - 1]?.length ?? 0) + 1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('lets no line of any kind throw anything but its faults when its variables are known', () => {
    const environment = fc.dictionary(fc.constantFrom('A', 'B', '__proto__'), fc.string());
    const line = fc.constantFrom(
      'ENV X=$A',
      'COPY $A $B',
      'COPY $A $B /',
      'EXPOSE $A',
      'WORKDIR ${A:-$B}',
      'LABEL $A=$B',
      'ENV "$A"=x',
    );
    fc.assert(
      fc.property(environment, line, (values, written) => {
        const [instruction] = parseConfile(`FROM a:1\n${written}`).lines;
        try {
          if (instruction) resolve(instruction, { ...bareSurroundings, environment: values });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfileFault);
        }
      }),
    );
  });
});
