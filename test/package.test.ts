import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { version } from '../src/version.js';
import { scratchDirectory } from './helpers/fixtures.js';
import { testUnless } from './helpers/test-unless.js';

/** Compiled, this file is dist/test/package.test.js of the checkout. */
const root = path.resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);

/** The variables of a shell in which no npm is running. */
const shell = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

/** Where npm's settings, its cache and its registry are; null where npm is missing or its registry does not answer. */
const settings = await reachedRegistry();
const registryTest = testUnless(settings === null ? 'npm is missing, or its registry does not answer' : null);

async function reachedRegistry(): Promise<Record<string, string> | null> {
  const ask = async (...args: string[]) => (await execute('npm', args, { cwd: root })).stdout.trim();
  try {
    await ask(
      'view',
      'commander',
      'version',
      '--prefer-online',
      '--fetch-retries=0',
      '--fetch-timeout=10000',
    );
    const keys = ['userconfig', 'cache', 'registry'];
    const values = await Promise.all(keys.map((key) => ask('config', 'get', key)));
    return Object.fromEntries(keys.map((key, k) => [`npm_config_${key}`, values[k]!]));
  } catch {
    return null;
  }
}

const packed = mkdtempSync(path.join(tmpdir(), 'eigenshard-package-'));
test.after.always(() => rmSync(packed, { recursive: true, force: true }));

let tarball: string;
let files: string[];

test.before('npm packs what is built', async () => {
  // Without its scripts: prepack would build anew, and take away the tests that are running.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', packed];
  const { stdout } = await execute('npm', args, { cwd: root, env: shell, maxBuffer: 2 ** 26 });
  const [{ filename, files: entries }] = JSON.parse(stdout);
  tarball = path.join(packed, filename);
  files = entries.map((entry: { path: string }) => entry.path).sort();
});

const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** The files below `folder` whose names end so, without that ending. */
function stems(folder: string, ending: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')).slice(0, -ending.length));
}

test('the package holds what runs, what describes it and the vendored packages, and nothing else', (t) => {
  const kinds = [
    /^(LICENSE|README\.md|package\.json|coordinator\.js)$/,
    /^config\/[^/]+\.json$/,
    /^docs\/[^/]+\.md$/,
    /^dist\/src\/.+\.(js|js\.map|d\.ts|wasm|css)$/,
    /^dist\/workers\/.+\.(js|js\.map)$/,
    /^node_modules\/(koffi|onnxruntime-node)\//,
  ];
  t.deepEqual(
    files.filter((file) => !kinds.some((kind) => kind.test(file))),
    [],
  );
});

test('the package holds every module that has a source, and none that has lost it', (t) => {
  const otherwiseCompiled = /^src\/(linalg\/assembly|report\/client)\//;
  const sources = ['src', 'workers']
    .flatMap((folder) => stems(folder, '.ts'))
    .filter((stem) => !otherwiseCompiled.test(stem) && !stem.endsWith('.d'));
  const modules = files
    .filter(
      (file) =>
        /^dist\/.+\.js$/.test(file) &&
        !/^dist\/src\/report\/(client|comparison|series|theme)\.js$/.test(file),
    )
    .map((file) => file.slice('dist/'.length, -'.js'.length));
  t.deepEqual(modules.sort(), sources.sort());
});

test('every source map is packed, and holds its sources', (t) => {
  for (const file of files.filter((name) => /^dist\/.+\.js$/.test(name))) {
    const map = /^\/\/# sourceMappingURL=(.+)$/m.exec(read(file))?.[1];
    if (map === undefined) continue;
    const place = path.posix.join(path.posix.dirname(file), map);
    t.true(files.includes(place), place);
    const { sources, sourcesContent } = JSON.parse(read(place));
    t.is(sourcesContent?.length, sources.length, place);
  }
});

test('what the package exports and the documents that its README links to are packed', (t) => {
  const { exports } = JSON.parse(read('package.json'));
  const targets = [...Object.values<string>(exports['.']), exports['./package.json']].map((target) =>
    path.posix.normalize(target),
  );
  const links = [...read('README.md').matchAll(/\]\((docs\/[^)#]+)/g)].map(([, link]) => link!);
  for (const file of [...targets, ...links]) t.true(files.includes(file), file);
});

test('the vendored packages have the versions that the package asks for, and no script', (t) => {
  const { dependencies, optionalDependencies, bundleDependencies } = JSON.parse(read('package.json'));
  t.deepEqual(bundleDependencies.toSorted(), readdirSync(path.join(root, 'vendor')).sort());
  for (const name of bundleDependencies) {
    const file = `node_modules/${name}/package.json`;
    t.true(files.includes(file), file);
    const { version: vendored, scripts } = JSON.parse(read(file));
    t.is(vendored, { ...dependencies, ...optionalDependencies }[name], name);
    t.is(scripts, undefined, `${name} has scripts: run npm ci`);
  }
});

registryTest('in an empty folder the package installs without a script or a warning, and runs', async (t) => {
  const home = scratchDirectory(t);
  const folder = scratchDirectory(t);
  const run = async (command: string, ...args: string[]) => {
    const env = {
      ...shell,
      HOME: home,
      ...settings,
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
    };
    const { stdout, stderr } = await execute(command, args, { cwd: folder, env, maxBuffer: 2 ** 26 });
    return { stdout, output: stdout + stderr };
  };

  const { output } = await run('npm', 'install', tarball, '--foreground-scripts');
  // A package that others have deprecated meanwhile is no fault of the change that runs this.
  t.notRegex(output, /warn (?!deprecated)|error|^> /im, output);
  t.true(Object.values(scriptsOf(folder)).length > 10);
  for (const [location, scripts] of Object.entries(scriptsOf(folder))) t.deepEqual(scripts, [], location);

  t.is((await run('npx', 'eigenshard', '--version')).stdout, `${version}\n`);
  await run('npx', 'eigenshard', 'generate', '--rows', '40', '--hidden', '8', '--out', 'model');
  const options = ['--out', 'run', '--workers', '2', '--backend', 'portable', '--json'];
  const { stdout } = await run('npx', 'eigenshard', '--model', 'model', ...options);
  t.is(JSON.parse(stdout).verification.passed, true, stdout);

  const koffi = await execute(
    process.execPath,
    ['-e', "import('koffi').then(({ default: { version } }) => console.log(version))"],
    { cwd: path.join(folder, 'node_modules/eigenshard') },
  );
  t.is(koffi.stdout.trim(), JSON.parse(read('vendor/koffi/package.json')).version);

  writeFileSync(path.join(folder, 'program.mts'), program);
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')];
  await run(process.execPath, tsc, '--strict', '--module', 'nodenext', ...types, 'program.mts');
  t.is((await run(process.execPath, 'program.mjs')).stdout, '40 x 8\n');
});

/** A program of a user, in TypeScript: neither a type nor a value of the package may be missing. */
const program = `
import { type Manifest, openRun } from 'eigenshard';

const { manifest }: { manifest: Manifest } = await openRun('run');
console.log(\`\${manifest.model.rows} x \${manifest.model.hidden}\`);
`;

/** By its place, the scripts of every installed package that npm would run when it installs it. */
function scriptsOf(folder: string): Record<string, string[]> {
  const { packages } = JSON.parse(readFileSync(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  return Object.fromEntries(
    Object.keys(packages).map((location) => {
      const { scripts = {} } = JSON.parse(readFileSync(path.join(folder, location, 'package.json'), 'utf8'));
      const events = ['preinstall', 'install', 'postinstall'].filter((event) => event in scripts);
      // Without a script of its own such a package is compiled; npm counts prepare where it is no registry's package.
      if (existsSync(path.join(folder, location, 'binding.gyp'))) events.push('binding.gyp');
      if (location === 'node_modules/eigenshard' && 'prepare' in scripts) events.push('prepare');
      return [location, events];
    }),
  );
}
