// Fills every vendor/NAME with the files of npm's package NAME that vendor/NAME/package.json lists, at the version and
// with the integrity that stand there. docs/dependencies.md says why these packages are not installed as they are.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Of a filled directory: the package.json that it was filled by. */
const MARK = '.filled';

const vendor = path.resolve(import.meta.dirname, '../vendor');
for (const name of readdirSync(vendor)) fill(path.join(vendor, name));

function fill(directory) {
  const wish = readFileSync(path.join(directory, 'package.json'), 'utf8');
  const mark = path.join(directory, MARK);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wish) return;
  const { name, version, files, integrity } = JSON.parse(wish);
  for (const file of [MARK, ...files]) rmSync(path.join(directory, file), { recursive: true, force: true });
  const tarball = download(directory, `${name}@${version}`);
  const found = `sha512-${createHash('sha512')
    .update(readFileSync(path.join(directory, tarball)))
    .digest('base64')}`;
  if (found !== integrity) {
    throw new Error(`${name}@${version}: its integrity should be ${integrity}, and is ${found}`);
  }
  run(directory, 'tar', ['-xzf', tarball, '--strip-components=1', ...files.map((file) => `package/${file}`)]);
  rmSync(path.join(directory, tarball));
  writeFileSync(mark, wish);
}

/** Downloads a package from the registry, or takes it from npm's cache, without running a script of it. */
function download(directory, spec) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('start this as: npm run build');
  const options = ['--prefer-offline', '--silent', '--json=false', '--dry-run=false'];
  return run(directory, process.execPath, [npm, 'pack', spec, ...options]).trim();
}

function run(directory, command, args) {
  const { status, error, stdout } = spawnSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return stdout;
}
