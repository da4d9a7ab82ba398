import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { createProgram, parseCommandLine } from '../../src/cli.js';
import { stageNames } from '../../src/plan/stages.js';
import { startCommand } from '../helpers/cli.js';
import { root } from '../helpers/documents.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { fakePrograms } from '../helpers/launches.js';

const folder = path.join(root, 'examples');
const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.sh'),
);

/** Does what a pod or a host does with a command: runs it here. */
const engines = {
  eigenshard: '',
  kubectl: 'if [ "$1" = exec ]; then shift 3; exec "$@"; fi',
  ssh: 'exec bash -c "$3"',
};

test('every call of eigenshard in an example is understood', async (t) => {
  t.deepEqual(scripts.toSorted(), ['kubernetes/one-run.sh', 'slurm/one-run.sh', 'ssh/one-run.sh']);
  for (const script of scripts) {
    const programs = fakePrograms(t, engines);
    const args = ['a model', path.join(scratchDirectory(t), "it's mine"), 'node1', 'node2'];
    const command = ['bash', path.join(folder, script), ...args];
    const { code, stderr } = await startCommand(command, programs.environment).ended;
    t.is(code, 0, stderr);
    const calls = programs.calls().filter(([name]) => name === 'eigenshard');
    t.deepEqual(calls[0]?.slice(0, 6), ['eigenshard', 'plan', '--model', 'a model', '--out', args[1]!]);
    t.deepEqual(calls.at(-1), ['eigenshard', 'status', args[1]!]);
    for (const [, ...words] of calls) {
      const program = await createProgram();
      for (const one of program.commands.flatMap((each) => [each, ...each.commands]))
        if (one.commands.length === 0) one.action(() => {});
      await t.notThrowsAsync(parseCommandLine(program, words), words.join(' '));
    }
  }
});

test('the loop over hosts computes each stage on all of them, and stops after one that failed', async (t) => {
  const run = path.join(scratchDirectory(t), 'mine');
  const command = ['bash', path.join(folder, 'ssh/one-run.sh'), 'model', run, 'node1', 'node2'];
  const steps = (calls: string[][]) =>
    calls
      .filter(([name, verb]) => name === 'eigenshard' && verb === 'step')
      .map((words) => words.slice(3).join(' '));
  const whole = fakePrograms(t, engines);
  t.is((await startCommand(command, whole.environment).ended).code, 0);
  const expected = stageNames.map((stage) => [`${stage} --index 0 --of 2`, `${stage} --index 1 --of 2`]);
  const found = steps(whole.calls());
  // The two of a stage begin at once.
  t.deepEqual(
    stageNames.map((_, k) => found.slice(2 * k, 2 * k + 2).sort()),
    expected,
  );

  const failing = fakePrograms(t, { ...engines, eigenshard: '[ "$3 $5" = "basis 1" ] && exit 3; exit 0' });
  t.is((await startCommand(command, failing.environment).ended).code, 3);
  t.true(steps(failing.calls()).every((words) => !words.startsWith('project')));
});

test('the shell of the example on Kubernetes is what its script, and the document, ask for', (t) => {
  const yaml = readFileSync(path.join(folder, 'kubernetes/shell.yaml'), 'utf8');
  const script = readFileSync(path.join(folder, 'kubernetes/one-run.sh'), 'utf8');
  t.regex(script, /kubectl exec shell -- /);
  t.regex(yaml, /kind: Pod\nmetadata:\n {2}name: shell\n/);
  const [, claim, mount] = /--volume (\w+):(\/\w+)/.exec(script) ?? [];
  t.regex(yaml, new RegExp(`claimName: ${claim}\n`));
  t.regex(yaml, new RegExp(`mountPath: ${mount}\n`));
  const [, image] = /--image (\S+)/.exec(script) ?? [];
  t.regex(yaml, new RegExp(`image: ${image}\n`));
});

test('the Dockerfile copies what is there, for a Node that serves, and starts what the package starts', (t) => {
  const text = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  const { bin, engines: needed } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const [, copied = ''] = /cp -a --parents (.*) \/opt\/eigenshard \\\n/.exec(text) ?? [];
  for (const name of copied.split(' ')) t.true(existsSync(path.join(root, name)), name);
  t.true(copied.split(' ').includes(bin.eigenshard));
  t.regex(text, new RegExp(`ln -s /opt/eigenshard/${bin.eigenshard} /usr/local/bin/eigenshard`));
  const [, major, minor] = /^ARG NODE=node:(\d+)\.(\d+)\.\d+-bookworm-slim$/m.exec(text) ?? [];
  const [, least, leastMinor] = /^>=(\d+)\.(\d+)$/.exec(needed.node) ?? [];
  t.true(Number(major) > Number(least) || (major === least && Number(minor) >= Number(leastMinor)));
  t.regex(text, /^USER [1-9]\d*:[1-9]\d*$/m);
});

test('bash understands every example', (t) => {
  for (const script of scripts) t.is(spawnSync('bash', ['-n', path.join(folder, script)]).status, 0, script);
});
