/**
 * `npm test`: lint, types, unit, integration and browser tests, each with all its set-up; the last line counts them.
 * `--must-have-all` (CI) turns a missing LXC, PostgreSQL or Chromium from skipped into failed.
 */
import { mkdtempSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from './build.ts';
import { canInstall, hostPackages, installPackages, missingPackages, testPackages } from './host-packages.ts';
import { run } from './run.ts';
import { root } from './sources.ts';
import { stateDirectory } from './state.ts';

type Counts = { passed: number; failed: number; skipped: number };

const mustHaveAll = process.argv.includes('--must-have-all');
const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const parts = ['format', 'lint', 'types', 'unit', 'dashboard', 'site', 'con', 'browser'];
const odd = process.argv.slice(2).filter((word) => word !== '--must-have-all' && !parts.includes(word));
if (odd.length > 0) {
  console.log(
    `npm test [-- PART...] [--must-have-all]\n\nParts: ${parts.join(', ')}; all of them where none is named.`,
  );
  process.exit(odd.includes('--help') ? 0 : 64);
}
const scratch = mkdtempSync(join(tmpdir(), 'berth-test-'));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];
const env = {
  BERTH_MUST_HAVE_ALL: mustHaveAll ? '1' : '',
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
  NX_DAEMON: 'false',
};

/** Runs one part and adds up what it counted; a part that dies without counting is one failure. */
async function part(name: string, work: () => Promise<Counts>): Promise<void> {
  if (only.length > 0 && !only.includes(name)) return;
  console.log(`\n── ${name}`);
  const started = performance.now();
  const counts = await work().catch((error: unknown): Counts => {
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  summary.push(
    `${name.padEnd(14)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
}

/** A check that passes or fails as a whole. */
async function check(program: string, args: readonly string[]): Promise<Counts> {
  const { code } = await run(program, args, { env: { ...env, NODE_OPTIONS: '' } });
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

type JestReport = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numFailedTestSuites: number;
  numRuntimeErrorTestSuites: number;
};

async function jest(name: string, args: readonly string[]): Promise<Counts> {
  const report = join(scratch, `${name}.json`);
  const { code } = await run('jest', ['--json', `--outputFile=${report}`, '--testLocationInResults', ...args], {
    env,
    quiet: false,
  });
  const read = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  const broken =
    read.numRuntimeErrorTestSuites +
    (code !== 0 && read.numFailedTests === 0 && read.numRuntimeErrorTestSuites === 0 ? 1 : 0);
  return {
    passed: read.numPassedTests,
    failed: read.numFailedTests + broken,
    skipped: read.numPendingTests + read.numTodoTests,
  };
}

type VitestReport = { numPassedTests: number; numFailedTests: number; numPendingTests: number };

async function dashboard(): Promise<Counts> {
  const report = join(scratch, 'dashboard.json');
  const { code } = await run(
    'nx',
    ['test', 'dashboard', '--reporters=default', '--reporters=json', `--output-file=${report}`],
    { env: { ...env, NODE_OPTIONS: '' } },
  );
  const read = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  return {
    passed: read.numPassedTests,
    failed: read.numFailedTests + (code !== 0 && read.numFailedTests === 0 ? 1 : 0),
    skipped: read.numPendingTests,
  };
}

type PlaywrightReport = { stats: { expected: number; unexpected: number; flaky: number; skipped: number } };

async function browser(): Promise<Counts> {
  const report = join(scratch, 'e2e.json');
  const { code } = await run('playwright', ['test', '--config', 'e2e/playwright.config.ts'], {
    env: { ...env, NODE_OPTIONS: '--no-warnings', PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  });
  const { stats } = JSON.parse(readFileSync(report, 'utf8')) as PlaywrightReport;
  const failed = stats.unexpected + stats.flaky; // flaky is broken
  return { passed: stats.expected, failed: failed + (code !== 0 && failed === 0 ? 1 : 0), skipped: stats.skipped };
}

if (canInstall())
  await installPackages([...hostPackages, ...testPackages], resolve(stateDirectory(), 'packages.json'), console.log);
else if ((await missingPackages([...hostPackages, ...testPackages])).length > 0)
  console.log(
    'Some packages are missing and cannot be installed without root: what needs them is skipped, or fails with --must-have-all.',
  );

await build(console.log);
await part('format', () => check('prettier', ['--check', '--log-level', 'warn', '.']));
await part('lint', () => check('eslint', ['.', '--max-warnings', '0']));
await part('types', () => check('tsc', ['-p', 'tsconfig.tests.json']));
await part('unit', () => jest('unit', ['--testPathPatterns', '\\.spec\\.ts$']));
await part('dashboard', dashboard);
await part('site', () =>
  jest('site', ['--testPathPatterns', 'apps/site/test/', '--maxWorkers=2', '--testTimeout=60000']),
);
await part('con', () =>
  jest('con', ['--testPathPatterns', 'apps/con/test/|tools/test/', '--runInBand', '--testTimeout=120000']),
);
if (existsSync(resolve(root, 'e2e/playwright.config.ts'))) await part('browser', browser);

rmSync(scratch, { recursive: true, force: true });
console.log(`\n${summary.join('\n')}\n`);
if (mustHaveAll && total.skipped > 0) console.log('Nothing may be skipped with --must-have-all.');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 || (mustHaveAll && total.skipped > 0) ? 1 : 0);
