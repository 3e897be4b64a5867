import { builtinModules } from 'node:module';
import type { Source } from './sources.ts';

/** A rule of the house that no linter knows: where it looks, what it must not find there, and why. */
export type HouseRule = Readonly<{ name: string; why: string; within: RegExp; except: RegExp; forbidden: RegExp }>;

const builtins = builtinModules.filter((name) => /^[a-z]/.test(name) && !name.startsWith('node:'));
const product = /^(libs|apps)\/[^/]+\/src\/.*\.ts$/;
const tests = /\.spec\.ts$/;

export const houseRules: readonly HouseRule[] = [
  {
    name: 'environment',
    why: 'process.env is read in config.ts and nowhere else',
    within: product,
    except: /\/config\.ts$|\.spec\.ts$/,
    forbidden:
      /\bprocess\s*(\.env\b|\[)|\benv\b[^;]*\}\s*=\s*(globalThis\.)?process\b|(from|import\()\s*'(node:)?process'/,
  },
  {
    name: 'timers',
    why: "site's only timers are its jobs",
    within: /^apps\/site\/src\//,
    except: /^apps\/site\/src\/jobs\/|\.spec\.ts$/,
    forbidden: /\b(setInterval|setTimeout)\s*\(|'(node:)?timers/,
  },
  {
    name: 'children',
    why: 'child processes start in one exec.ts an app, never through a shell',
    within: product,
    except: /\/exec\.ts$|\.spec\.ts$/,
    forbidden: /'(node:)?(child_process|cluster)'/,
  },
  {
    name: 'shell',
    why: 'no command line is ever handed to a shell',
    within: product,
    except: tests,
    forbidden: /\bshell:\s*true|\bexecSync\(/,
  },
  {
    name: 'pdf',
    why: 'the PDF library is known to one file',
    within: product,
    except: /^apps\/site\/src\/invoices\/pdf\.ts$|\.spec\.ts$/,
    forbidden: /(from|import\()\s*'pdfkit/,
  },
  {
    name: 'floats',
    why: 'no floating point near money',
    within: /^(libs\/money|apps\/site\/src\/(ledger|pricing|payments))\/.*\.ts$/,
    except: tests,
    forbidden:
      /\bparseFloat\b|\.toFixed\(|\bMath\.(round|floor|ceil|trunc)\b|\bNumber\(\s*[\w.]*nanos|[*/] ?1e\d|[*/] ?\d+\.\d/i,
  },
  {
    name: 'amounts',
    why: 'an amount never becomes a float on its way to an invoice or a page',
    within: /^(apps\/site\/src|apps\/dashboard\/src\/app|libs\/(site-api|i18n))\/.*\.ts$/,
    except: tests,
    forbidden: /\bparseFloat\b|\b(Number|Math\.\w+)\(\s*[\w.]*nanos/i,
  },
  {
    name: 'builtins',
    why: "Node's own modules are named with node:, so that every rule about them sees them",
    within: product,
    except: tests,
    forbidden: new RegExp(`(from|import\\(|import)\\s*'(${builtins.join('|')})(/[^']*)?'`),
  },
  {
    name: 'late imports',
    why: 'arrows between libraries are seen in static imports alone',
    within: product,
    except: tests,
    forbidden: /\b(import|require)\(\s*['"`]@berth\//,
  },
];

/** `path:line` of everything in a source that a rule forbids. */
export function breaches(rule: HouseRule, source: Source): readonly string[] {
  if (!rule.within.test(source.path) || rule.except.test(source.path)) return [];
  return source.text.split('\n').flatMap((line, at) => (rule.forbidden.test(line) ? [`${source.path}:${at + 1}`] : []));
}
