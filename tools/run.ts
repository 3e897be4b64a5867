import { spawn } from 'node:child_process';
import { root } from './sources.ts';

export type Ran = Readonly<{ code: number; output: string; seconds: number }>;

/** Runs a program, its output passed on as it comes and kept as well. Never throws for an exit code. */
export async function run(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; quiet?: boolean; cwd?: string } = {},
): Promise<Ran> {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!options.quiet) process.stdout.write(text);
    });
  }
  const code = await new Promise<number>((settle, fail) =>
    child.on('error', fail).on('close', (exit) => settle(exit ?? 1)),
  );
  return { code, output, seconds: (performance.now() - started) / 1000 };
}

/** As `run`, but a failure ends the command, with what was printed. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ran> {
  const ran = await run(program, args, { quiet: true, ...options });
  if (ran.code !== 0)
    throw new Error(`cannot go on: ${program} ${args.join(' ')} ended with ${ran.code}\n${ran.output.slice(-8_000)}`);
  return ran;
}
