import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Job } from 'kubernetes-types/batch/v1.d.ts';
import { shareOf } from '../../src/executor/array-index.js';
import { type KubernetesLaunch, kubernetesScript } from '../../src/executor/kubernetes.js';
import { startCommand } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { comparedWithGolden, fakePrograms, jobsOf, stages, strangeNames } from '../helpers/launches.js';
import { testUnless } from '../helpers/test-unless.js';

const launch: KubernetesLaunch = {
  run: '/shared/runs/mine',
  stages,
  workers: 4,
  stepOptions: [],
  engineOptions: ['--namespace=lab'],
  image: 'registry.example/eigenshard:0.1.0',
  volumes: [{ claim: 'shared', mount: '/shared' }],
  cpus: 8,
  memory: '16Gi',
  user: { uid: 1000, gid: 100 },
};

const containerOf = (job: Job) => job.spec!.template.spec!.containers[0]!;

test('the script of a plain run is the golden one', (t) => {
  const { text, start } = kubernetesScript(launch);
  comparedWithGolden(t, 'kubernetes.sh', text);
  t.deepEqual(start, ['bash']);
});

test('each stage is an Indexed Job of as many pods as it can use, each of which finds its share', (t) => {
  const jobs = jobsOf(kubernetesScript(launch).text);
  t.deepEqual(
    jobs.map((job) => [containerOf(job).args?.[2], job.spec?.completions]),
    [
      ['scan', 3],
      ['identity', 1],
      ['covariance', 2],
      ['basis', 1],
      ['project', 4],
      ['verify', 4],
      ['finish', 1],
    ],
  );
  for (const job of jobs) {
    const { spec } = job;
    t.is(spec?.parallelism, spec?.completions);
    const { args, env } = containerOf(job);
    t.deepEqual(args?.slice(0, 2), ['step', '/shared/runs/mine']);
    t.deepEqual(args?.slice(3), ['--workers', '8']);
    const given = Object.fromEntries(env!.map(({ name, value }) => [name, value!]));
    for (let index = 0; index < spec!.completions!; index++) {
      const share = shareOf({}, { ...given, JOB_COMPLETION_INDEX: String(index) });
      t.like(share, { index, of: spec!.completions! });
    }
  }
});

test('a poisoned index fails alone and for good, a pod that is sent away comes again uncounted', (t) => {
  for (const { spec } of jobsOf(kubernetesScript(launch).text)) {
    const rules = spec!.podFailurePolicy!.rules;
    t.deepEqual(
      rules.map(({ action }) => action),
      ['Ignore', 'FailIndex'],
    );
    t.deepEqual(rules[1]?.onExitCodes?.values, [2, 3]);
    // What these need: see the reference of batch/v1.
    t.is(spec?.completionMode, 'Indexed');
    t.is(spec?.template.spec?.restartPolicy, 'Never');
    t.is(spec?.podReplacementPolicy, 'Failed');
    t.is(spec?.backoffLimitPerIndex, 3);
  }
});

test('the user of the pods is no superuser unless it was said', (t) => {
  const contextOf = (user: KubernetesLaunch['user']) =>
    jobsOf(kubernetesScript({ ...launch, user }).text)[0]?.spec?.template.spec?.securityContext;
  t.like(contextOf({ uid: 1000, gid: 100 }), { runAsUser: 1000, runAsGroup: 100, runAsNonRoot: true });
  t.like(contextOf({ uid: 0, gid: 0 }), { runAsUser: 0, runAsNonRoot: false });
});

/** What Kubernetes makes of an argument, none of whose variables is set: $$ is a dollar. */
const expanded = (argument: string) =>
  argument.replaceAll(/\$\$|\$\([^)]*\)/g, (found) => (found === '$$' ? '$' : '<variable>'));

test('whatever a path holds, the pods get it as it is, and the names of the Jobs are allowed', (t) => {
  const nameOf = (name: string) => {
    const { text } = kubernetesScript({ ...launch, run: `/shared/${name}` });
    t.is(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr, '');
    const jobs = jobsOf(text);
    t.is(jobs.length, stages.length);
    for (const job of jobs) {
      t.is(expanded(containerOf(job).args![1]!), `/shared/${name}`);
      // A pod's host name is the name, a hyphen and the index, and 63 characters at most.
      t.regex(job.metadata!.name!, /^(?=.{1,56}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    }
    return jobs[0]!.metadata!.name;
  };
  fc.assert(
    fc.property(strangeNames, (name) => nameOf(name) !== ''),
    { numRuns: 50, seed: 3 },
  );
  nameOf('x'.repeat(200));
  t.not(nameOf('a/mine'), nameOf('b/mine'), 'two runs of one name are two');
});

test('a run that the pods would not find, and what no script can hold, is refused', (t) => {
  const refused = (changes: Partial<KubernetesLaunch>, message: RegExp) =>
    t.throws(() => kubernetesScript({ ...launch, ...changes }), { name: 'InputError', message });
  refused(
    { run: '/sharedruns/mine' },
    /^\/sharedruns\/mine: no pod would find it: it lies outside of \/shared;/,
  );
  refused({ run: '/scratch/mine' }, /--volume CLAIM:FOLDER/);
  refused({ run: '/shared/a\nJOB\nid' }, /has a control character/);
  refused({ engineOptions: ['lab'] }, /^lab: expected an option of kubectl/);
  const volumes = [...launch.volumes, { claim: 'models', mount: '/models/' }];
  t.notThrows(() => kubernetesScript({ ...launch, volumes, run: '/models/mine' }));
});

/** A cluster of files: a Job there has the conditions that its file holds. That whose name has $FAILING in it fails. */
const kubectl = `
[ "$1" = --namespace=lab ] && shift
case $1 in
  get) if [ -f "$FAKES/$3" ]; then cat "$FAKES/$3"; elif [ "$4" != --ignore-not-found ]; then exit 1; fi ;;
  apply)
    name=$(sed -n 's/^    "name": "\\(.*\\)",$/\\1/p' | head -n 1)
    case $name in *"\${FAILING:-none}"*) echo 'FailureTarget Failed' ;; *) echo 'SuccessCriteriaMet Complete' ;; esac > "$FAKES/$name"
    ;;
  wait) grep -q Complete "$FAKES/\${!##*/}" ;;
  delete) rm "$FAKES/$3" ;;
esac`;

function applied(calls: readonly (readonly string[])[]): string {
  return calls.map(([, , verb]) => verb).join(' ');
}

async function started(t: ExecutionContext, cluster: ReturnType<typeof fakePrograms>, failing = 'none') {
  const file = path.join(scratchDirectory(t), 'script.sh');
  writeFileSync(file, kubernetesScript(launch).text);
  return startCommand(['bash', file], { ...cluster.environment, FAILING: failing }).ended;
}

test('the script creates the Jobs one after the other, waiting for each', async (t) => {
  const cluster = fakePrograms(t, { kubectl });
  const { code, stderr } = await started(t, cluster);
  t.is(code, 0, stderr);
  t.is(applied(cluster.calls()), stages.map(() => 'get apply wait').join(' '));
  t.true(cluster.calls().every(([, namespace]) => namespace === '--namespace=lab'));
});

test('after a Job that failed no other is created; called again, it is made anew, as are those that ended', async (t) => {
  const cluster = fakePrograms(t, { kubectl });
  const { code, stderr } = await started(t, cluster, 'covariance');
  t.is(code, 1);
  t.regex(
    stderr,
    /-covariance failed; why, its pods say:\n {2}kubectl --namespace=lab logs .*=eigenshard-mine-\w+-covariance\n$/,
  );
  t.is(applied(cluster.calls()), 'get apply wait get apply wait get apply wait get');
  const before = cluster.calls().length;
  t.is((await started(t, cluster)).code, 0);
  const again = [...Array(3).fill('get delete apply wait'), ...Array(4).fill('get apply wait')];
  t.is(applied(cluster.calls().slice(before)), again.join(' '));
});

test('a cluster that does not answer is what may pass', async (t) => {
  const cluster = fakePrograms(t, { kubectl: 'exit 1' });
  t.is((await started(t, cluster)).code, 75);
  t.is(cluster.calls().length, 1);
});

const hasKubectl =
  spawnSync('kubectl', ['version', '--client'], { env: { PATH: process.env.PATH } }).status === 0;

testUnless(hasKubectl ? null : 'kubectl is absent')('kubectl knows every field of the Jobs', (t) => {
  for (const job of jobsOf(kubernetesScript(launch).text)) {
    const args = ['label', '--local', '--dry-run=client', '--filename=-', 'a=b', '--output=json'];
    const env = { PATH: process.env.PATH, KUBECONFIG: '/dev/null' };
    const { stdout, stderr } = spawnSync('kubectl', args, {
      input: JSON.stringify(job),
      env,
      encoding: 'utf8',
    });
    t.notThrows(() => JSON.parse(stdout), stderr);
    t.like(JSON.parse(stdout), { apiVersion: 'batch/v1', kind: 'Job', spec: job.spec } as object);
  }
});
