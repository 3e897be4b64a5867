import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { run } from '../src/cli/program.js';

/** A stream that keeps what is written to it. */
function paper(isTTY: boolean) {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        text += chunk.toString('utf8');
        done();
      },
    }),
    { isTTY },
  );
  return { stream, text: () => text };
}

export type Around = Readonly<{
  socketPath: string;
  token?: string;
  color?: boolean;
  isTTY?: boolean;
  stdin?: PassThrough;
  interrupts?: EventEmitter;
}>;

/** Types a command line and answers what a person would see. */
export async function type(words: readonly string[], around: Around) {
  const [out, err] = [paper(around.isTTY ?? false), paper(around.isTTY ?? false)];
  const stdin = around.stdin ?? new PassThrough().end();
  const code = await run(words, {
    stdin: stdin as unknown as NodeJS.ReadStream,
    interrupts: around.interrupts ?? new EventEmitter(),
    stdout: out.stream,
    stderr: err.stream,
    socketPath: () => around.socketPath,
    token: around.token,
    color: around.color ?? false,
    version: '0',
    settings: [{ name: 'listenPort', help: 'where it listens', usual: '7077' }],
    daemon: async (flags) => Number(flags['listenPort'] ?? 0),
  });
  return { code, out: out.text(), err: err.text() };
}
