import { execFileSync, spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { root } from '../sources.ts';

/** Of `times` and `a second` more is better, of all else less. */
export type Unit = 'ms' | 'times' | 'a second' | 'MB' | '% of a core';

/** One figure of a benchmark: what was measured, how often, and what it should be. */
export type Figure = Readonly<{
  name: string;
  unit: Unit;
  n: number;
  median: number;
  p95: number;
  p99: number;
  /** Which of them the aim is for. */
  judged: 'median' | 'p99';
  /** The figure, its median or its `judged` one, must not be worse than this. */
  aim?: number;
  /** The median against something else measured in the same run, because machines differ and are noisy. */
  ratio?: Readonly<{ to: string; value: number }>;
}>;

export type Report = Readonly<{
  bench: string;
  commit: string;
  cpu: string;
  cores: number;
  figures: readonly Figure[];
}>;

export function figure(
  name: string,
  samples: readonly number[],
  more: Partial<Pick<Figure, 'aim' | 'ratio' | 'unit' | 'judged'>> = {},
): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  const places = { median: at(0.5), p95: at(0.95), p99: at(0.99) };
  return { name, unit: 'ms', n: sorted.length, ...places, judged: 'median', ...more };
}

/** How long this machine takes to start and end the smallest program, now: what other figures are held against. */
export function spawnOfTrue(runs = 20): Figure {
  return figure(
    'spawn of /bin/true',
    timesOf(runs, () => spawnSync('/bin/true')),
  );
}

export function timesOf(runs: number, work: () => unknown): number[] {
  return Array.from({ length: runs }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
}

export function against(figures: readonly Figure[], base: Figure): Figure[] {
  return figures.map((one) =>
    one.unit === 'ms' && !one.ratio ? { ...one, ratio: { to: base.name, value: one.median / base.median } } : one,
  );
}

export function reportOf(bench: string, figures: readonly Figure[]): Report {
  // A tree that was changed is no commit, and says so.
  const commit = execFileSync('git', ['describe', '--always', '--dirty', '--exclude=*'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  return { bench, commit, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, figures };
}

/** Beyond twice an aim is a failure; between the aim and that, the machine may be to blame. */
export function isBad(one: Figure): boolean {
  return missesBy(one) > 2;
}

/** 1 where an aim is just met, 2 where it is missed by half or by as much again. */
function missesBy(one: Figure): number {
  if (one.aim === undefined) return 0;
  const value = one[one.judged];
  return isMoreBetter(one) ? one.aim / value : value / one.aim;
}

function isMoreBetter({ unit }: Figure): boolean {
  return unit === 'times' || unit === 'a second';
}

function aimOf(one: Figure): string {
  if (one.aim === undefined) return '';
  return `${one.judged === 'p99' ? 'p99 ' : ''}${isMoreBetter(one) ? '≥' : '≤'} ${one.aim} ${one.unit}`;
}

function verdictOf(one: Figure): string {
  if (one.aim === undefined) return '';
  return isBad(one) ? 'BAD' : missesBy(one) <= 1 ? 'met' : 'missed';
}

export function print(report: Report): void {
  console.log(`${report.bench} at ${report.commit}, ${report.cores} × ${report.cpu}`);
  const rows = report.figures.map((one) => ({
    figure: one.name,
    N: one.n,
    median: `${round(one.median)} ${one.unit}`,
    p95: `${round(one.p95)} ${one.unit}`,
    p99: `${round(one.p99)} ${one.unit}`,
    aim: aimOf(one),
    verdict: verdictOf(one),
    ratio: one.ratio ? `${round(one.ratio.value)} × ${one.ratio.to}` : '',
  }));
  console.table(rows);
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
