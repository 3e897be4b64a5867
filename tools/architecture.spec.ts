import { describe, expect, it } from '@jest/globals';
import { ESLint } from 'eslint';
import { createHash } from 'node:crypto';
import { breaches, houseRules } from './house-rules.ts';
import { apps, libs, rooms } from './rooms.mjs';
import { root, sources } from './sources.ts';

/** One planted breach for each rule of the house: if the rule stops seeing it, this fails. */
const planted: Readonly<Record<string, { path: string; text: string; more?: readonly string[] }>> = {
  environment: {
    path: 'apps/con/src/containers/planted.ts',
    text: 'export const home = process.env.HOME;',
    more: [
      "process['env'].HOME",
      "import { env } from 'node:process';",
      'const { env } = process;',
      'const { argv, env: all } = process;',
    ],
  },
  timers: { path: 'apps/site/src/metering/planted.ts', text: 'setInterval(() => undefined, 1);' },
  children: {
    path: 'apps/con/src/templates/planted.ts',
    text: "import { spawn } from 'node:child_process';",
    more: ["import { spawn } from 'child_process';", "import cluster from 'node:cluster';"],
  },
  shell: { path: 'apps/con/src/host/linux/exec.ts', text: "spawn('ls', { shell: true });" },
  pdf: { path: 'apps/site/src/billing/planted.ts', text: "import PDFDocument from 'pdfkit';" },
  floats: {
    path: 'apps/site/src/ledger/planted.ts',
    text: 'const cents = Math.round(amount);',
    more: ['const gross = Number(nanos) * 2;', 'const gross = net * 1.19;', 'const euros = nanos / 1e9;'],
  },
  amounts: { path: 'apps/site/src/invoices/planted.ts', text: 'const euros = Number(line.nanos);' },
  builtins: { path: 'apps/con/src/templates/planted.ts', text: "import { readFileSync } from 'fs';" },
  'late imports': { path: 'apps/con/src/rpc/planted.ts', text: "await import('@berth/site-api');" },
};

describe('the house', () => {
  it.each(houseRules)('holds: $why', (rule) => {
    expect(sources(rule.within).flatMap((source) => breaches(rule, source))).toEqual([]);
  });

  it.each(houseRules)('sees a planted breach of: $why', (rule) => {
    const { path, text, more = [] } = planted[rule.name]!;
    for (const one of [text, ...more]) expect(breaches(rule, { path, text: one })).toEqual([`${path}:1`]);
  });
});

describe('the arrows', () => {
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: { languageOptions: { parserOptions: { projectService: false } }, rules: typedRulesOff() },
  });

  const ruleOf = async (path: string, text: string): Promise<readonly (string | null)[]> => {
    const [result] = await eslint.lintText(text, { filePath: `${root}/${path}` });
    return result!.messages.map((message) => message.ruleId);
  };

  it('never lead a library to one that it may not know', async () => {
    for (const [lib, allowed] of Object.entries(libs)) {
      const foreign = Object.keys(libs).find((other) => other !== lib && !allowed.includes(other as never))!;
      expect(await ruleOf(`libs/${lib}/src/planted.ts`, `import '@berth/${foreign}';\n`)).toContain(
        'no-restricted-imports',
      );
    }
  });

  it('never lead an app to another app, nor a room to what wires it', async () => {
    expect(await ruleOf('apps/site/src/containers/planted.ts', "import '@berth/con';\n")).toContain(
      'no-restricted-imports',
    );
    for (const [path, wiring] of [
      ['apps/con/src/containers/planted.ts', '../daemon.js'],
      ['apps/con/src/metering/planted.ts', '../cli/program.js'],
      ['apps/site/src/ledger/planted.ts', '../site.js'],
    ] as const) {
      expect([wiring, await ruleOf(path, `import '${wiring}';\n`)]).toEqual([
        wiring,
        expect.arrayContaining(['import-x/no-restricted-paths']),
      ]);
    }
  });

  it('never lead an app to a library that is not its own', async () => {
    for (const [app, allowed] of Object.entries(apps)) {
      const foreign = Object.keys(libs).find((lib) => !allowed.includes(lib as never));
      if (foreign)
        expect(await ruleOf(`apps/${app}/src/planted.ts`, `import '@berth/${foreign}';\n`)).toContain(
          'no-restricted-imports',
        );
    }
  });

  it.each([
    ['con', 'apps/con/src', rooms.con],
    ['site', 'apps/site/src', rooms.site],
    ['dashboard', 'apps/dashboard/src/app', rooms.dashboard],
  ] as const)('never lead a room of %s to the left', async (_app, base, order) => {
    const present = order
      .map((group) =>
        group.flatMap((room) =>
          sources(new RegExp(`^${base}/${room}/[^/]*\\.ts$`))
            .filter(({ path }) => !path.endsWith('.spec.ts'))
            .slice(0, 1)
            .map(({ path }) => ({ room, path })),
        ),
      )
      .filter((group) => group.length > 0);
    expect(present.length).toBeGreaterThan(1);
    for (let at = 1; at < present.length; at++) {
      const [left, here] = [present[at - 1]![0]!, present[at]![0]!];
      const up = '../'.repeat(here.room.split('/').length);
      const target = left.path.slice(base.length + 1).replace(/\.ts$/, '.js');
      expect(await ruleOf(`${base}/${here.room}/planted.ts`, `import '${up}${target}';\n`)).toContain(
        'import-x/no-restricted-paths',
      );
    }
  });
});

describe('the lock', () => {
  const [lock] = sources(/^package-lock\.json$/).map(
    ({ text }) =>
      JSON.parse(text) as {
        packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
      },
  );

  it('has an entry for every optional package, so that npm ci works on every platform', () => {
    const missing = Object.entries(lock!.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => !reachable(path, name))
        .map((name) => `${path} → ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('names no registry host', () => {
    expect(Object.values(lock!.packages).filter(({ resolved }) => resolved?.startsWith('http'))).toEqual([]);
  });

  /** Node's resolution: the nearest node_modules upwards. */
  function reachable(path: string, name: string): boolean {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      if (lock!.packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true;
      if (at === '') return false;
      if (!at.includes('/node_modules/')) at = '';
      if (at === '' && lock!.packages[`node_modules/${name}`]) return true;
    }
  }
});

describe('a migration', () => {
  it('never changes once it has been merged', () => {
    const [lock] = sources(/^tools\/migrations\.lock\.json$/).map(
      ({ text }) => JSON.parse(text) as Record<string, string>,
    );
    const digests = Object.fromEntries(
      sources(/^apps\/site\/src\/db\/migrations\/.*\.(ts|sql)$/).map(({ path, text }) => [
        path,
        createHash('sha256').update(text).digest('hex'),
      ]),
    );
    expect(digests).toEqual(lock);
  });
});

/** The rules that need types: planted files are in no project. */
function typedRulesOff(): Record<string, 'off'> {
  const names = [
    'await-thenable',
    'no-floating-promises',
    'no-misused-promises',
    'only-throw-error',
    'switch-exhaustiveness-check',
  ];
  return Object.fromEntries(names.map((name) => [`@typescript-eslint/${name}`, 'off']));
}
