/**
 * `node tools/pack.mjs con|site DIRECTORY`: makes one tarball of an app that `npm install` takes in an empty place. The
 * libraries of this workspace travel inside it; what others publish is installed as usual. Prints the tarball's path.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const scope = '@berth/';

/** @param {string} folder */
const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The libraries an app stands on, and those they stand on. @param {Record<string, string>} dependencies */
function librariesOf(dependencies, found = new Set()) {
  for (const name of Object.keys(dependencies).filter((one) => one.startsWith(scope))) {
    if (found.has(name)) continue;
    found.add(name);
    librariesOf(manifestOf(folderOf(name)).dependencies ?? {}, found);
  }
  return found;
}

/** @param {string} name */
const folderOf = (name) => join(root, 'libs', name.slice(scope.length));

/** What was built, and nothing of how. @param {string} from @param {string} to */
function copyBuilt(from, to) {
  if (!existsSync(join(from, 'dist'))) throw new Error(`cannot pack ${from}: it is not built; run npm run build first`);
  const ships = (/** @type {string} */ path) => !/(\.tsbuildinfo|\.map|\.spec\.js|\.d\.ts)$/.test(path);
  cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true, filter: ships });
}

/** The pages travel inside site's package: it serves them where no other directory is set. @param {string} stage */
function copyDashboard(stage) {
  const built = join(root, 'apps/dashboard/dist/browser');
  if (!existsSync(built)) throw new Error(`cannot pack site: ${built} is not built; run npm run build first`);
  cpSync(built, join(stage, 'dashboard'), { recursive: true });
  return ['dashboard'];
}

/** @param {string} app @param {string} stage */
function fill(app, stage) {
  const folder = join(root, 'apps', app);
  const manifest = manifestOf(folder);
  const dependencies = { ...manifest.dependencies };
  const libraries = [...librariesOf(dependencies)];
  copyBuilt(folder, stage);
  for (const name of libraries) {
    const library = manifestOf(folderOf(name));
    const home = join(stage, 'node_modules', name);
    mkdirSync(home, { recursive: true });
    copyBuilt(folderOf(name), home);
    // What a library needs of others, its app asks for: only then npm installs it beside.
    for (const [other, version] of Object.entries(library.dependencies ?? {})) dependencies[other] ??= version;
    writeFileSync(join(home, 'package.json'), JSON.stringify({ ...library, dependencies: undefined }, undefined, 2));
  }
  for (const name of libraries) dependencies[name] = manifestOf(folderOf(name)).version;
  const { devDependencies: _dev, scripts: _scripts, ...ours } = manifest;
  const pages = app === 'site' ? copyDashboard(stage) : [];
  const packed = { ...ours, files: [...ours.files, ...pages], dependencies, bundleDependencies: libraries };
  writeFileSync(join(stage, 'package.json'), JSON.stringify(packed, undefined, 2));
  if (existsSync(join(root, 'LICENSE'))) cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
}

const [app, directory] = process.argv.slice(2);
if ((app !== 'con' && app !== 'site') || !directory) {
  console.error('usage: node tools/pack.mjs con|site DIRECTORY');
  process.exit(2);
}
const out = resolve(directory);
const stage = mkdtempSync(join(tmpdir(), 'berth-pack-'));
try {
  fill(app, stage);
  mkdirSync(out, { recursive: true });
  const answer = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], {
    cwd: stage,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [{ filename }] = JSON.parse(answer);
  console.log(join(out, filename));
} finally {
  rmSync(stage, { recursive: true, force: true });
}
