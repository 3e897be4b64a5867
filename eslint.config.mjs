import eslint from '@eslint/js';
import angular from 'angular-eslint';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { apps, browserSafe, libs, rooms } from './tools/rooms.mjs';

const allLibs = Object.keys(libs);

/** Imports of libraries that a project may not know. */
function mayUse(project, allowed, extra = []) {
  const forbidden = allLibs.filter((lib) => !allowed.includes(lib) && project !== `libs/${lib}`);
  return {
    files: [`${project}/src/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...(forbidden.length
              ? [
                  {
                    group: forbidden.map((lib) => `@berth/${lib}`),
                    message: 'The arrow points the other way: see tools/rooms.mjs.',
                  },
                ]
              : []),
            { group: ['@berth/con', '@berth/site', '@berth/dashboard'], message: 'Apps meet over the wire alone.' },
            { regex: '^(\\.\\./)+(libs|apps)/', message: 'Import a project by its name, not by its path.' },
            ...extra,
          ],
        },
      ],
    },
  };
}

const noNode = [{ regex: '^node:', message: 'Browsers load this library: no Node here.' }];

/** Zones of one app: whoever stands further right must not import from further left, nor from beside. */
function zones(app, root, order) {
  return order
    .flatMap((group, at) =>
      group.map((room) => ({
        // The files right in `host` are its interfaces; what lies below has zones of its own.
        target: room === 'host' ? `./${root}/host/*.ts` : `./${root}/${room}`,
        from: [...order.slice(0, at).flat(), ...group.filter((other) => other !== room)].map(
          (other) => `./${root}/${other}`,
        ),
        message: `In ${app}, arrows point to the right in tools/rooms.mjs.`,
      })),
    )
    .filter((zone) => zone.from.length > 0);
}

/** What wires an app knows its rooms; no room knows it. */
function wiring(app, all, files) {
  return all.map((room) => ({
    target: `./apps/${app}/src/${room}`,
    from: files.map((file) => `./apps/${app}/src/${file}`),
    message: 'What wires the rooms is known to none of them.',
  }));
}

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      '.nx/',
      '**/.angular/',
      'catalogue/',
      '.berth/',
      'coverage/',
      'test-results/',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { 'import-x': importX },
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-console': 'error',
      'no-control-regex': 'off',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['error', { max: 400, skipBlankLines: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['libs/*/src/**/*.ts', 'apps/{con,site}/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  ...Object.entries(libs).map(([lib, allowed]) =>
    mayUse(`libs/${lib}`, allowed, browserSafe.includes(lib) ? noNode : []),
  ),
  ...Object.entries(apps).map(([app, allowed]) => mayUse(`apps/${app}`, allowed)),
  {
    files: ['apps/*/src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...zones('con', 'apps/con/src', rooms.con),
            ...zones('site', 'apps/site/src', rooms.site),
            ...zones('dashboard', 'apps/dashboard/src/app', rooms.dashboard),
            ...wiring('con', rooms.con.flat(), ['daemon.ts', 'main.ts', 'cli']),
            ...wiring('site', rooms.site.flat(), ['site.ts', 'main.ts', 'site.module.ts']),
            {
              target: './apps/con/src/cli',
              from: [
                'rpc',
                'streams',
                'metering',
                'containers',
                'templates',
                'storage',
                'network',
                'host',
                'database.ts',
              ].map((room) => `./apps/con/src/${room}`),
              message: 'The command line is a client: it sees the typed client only.',
            },
            ...['rpc', 'streams', 'metering', 'containers', 'templates', 'storage', 'network'].map((room) => ({
              target: `./apps/con/src/${room}`,
              from: ['./apps/con/src/host/linux', './apps/con/src/host/fake'],
              message: 'Rooms know the host by its interfaces; only daemon.ts chooses one.',
            })),
          ],
        },
      ],
    },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
  },
  {
    files: ['**/*.spec.ts', '**/*.test.ts', '**/test/**/*.ts', 'tools/**', 'e2e/**', 'apps/dashboard/dev/**'],
    rules: { 'no-console': 'off', 'no-restricted-imports': 'off' },
  },
  {
    files: ['apps/dashboard/src/**/*.ts'],
    extends: [...angular.configs.tsRecommended],
    processor: angular.processInlineTemplates,
    languageOptions: { globals: { document: 'readonly', window: 'readonly' } },
  },
  {
    files: ['apps/dashboard/src/**/*.html'],
    extends: [...angular.configs.templateRecommended, ...angular.configs.templateAccessibility],
  },
  { files: ['apps/dashboard/src/**/*.html'], rules: { 'max-lines': 'off' } },
);
