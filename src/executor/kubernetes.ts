import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Job } from 'kubernetes-types/batch/v1.d.ts';
import { InputError } from '../errors.js';
import type { Stage } from '../plan/stages.js';
import { shellWord } from '../text/shell-word.js';
import { type Launch, type LaunchScript, processesOf, refuseStrange } from './launcher.js';

/** Claim of a volume that many nodes may write to, and where it stands in every pod. */
export interface Volume {
  claim: string;
  /** Absolute path. */
  mount: string;
}

/** What Kubernetes has to know beside what every engine has. */
export interface KubernetesLaunch extends Launch {
  /** Image that starts eigenshard. */
  image: string;
  /** At least one, on which the run lies. */
  volumes: readonly Volume[];
  /** Cores of each process. */
  cpus: number;
  /** Memory of each process, as Kubernetes writes it: 8Gi. */
  memory: string;
  /** Whose files the processes write, by numbers. */
  user: { uid: number; gid: number };
}

/** How often a process is started again after a failure that may pass. */
const RETRIES = 3;

/** Seconds for which a Job that has ended, and its logs, can be looked at. */
const KEPT_SECONDS = 7 * 24 * 3600;

/**
 * Writes the script that computes a run on Kubernetes: an Indexed Job for each stage, one after the other. Jobs do not
 * wait for one another, and a process that waited in the cluster would hold cores that the stage before may need.
 *
 * @throws InputError where the script could not say what was asked for
 */
export function kubernetesScript(launch: KubernetesLaunch): LaunchScript {
  refuseStrange(launch, 'kubectl');
  refuseOutside(launch);
  const sections = [
    [
      '#!/bin/bash',
      '# A run of eigenshard on Kubernetes, a Job for each stage:',
      '#   bash FILE',
      '# wherever kubectl reaches the cluster. It waits for each Job and creates the next one. Should it be cut off, the Job',
      '# goes on; called again, it waits for that one, and computes what is left.',
      'if ! command -v kubectl > /dev/null; then',
      '  echo "eigenshard: kubectl is not installed here" >&2',
      '  exit 2',
      'fi',
      `kubectl=(${['kubectl', ...launch.engineOptions].map(shellWord).join(' ')})`,
    ],
    [
      '# The conditions that hold of a Job; nothing where there is no such Job.',
      'conditions() {',
      `  "\${kubectl[@]}" get job "$1" --ignore-not-found --output 'jsonpath={.status.conditions[?(@.status=="True")].type}'`,
      '}',
    ],
    [
      '# compute JOB < MANIFEST',
      'compute() {',
      '  local found',
      '  found=$(conditions "$1") || exit 75',
      '  case " $found " in',
      '    # It has ended, in a call before: whatever is left to do, it does no more.',
      '    *" Complete "* | *" Failed "*) "${kubectl[@]}" delete job "$1" || exit 75 ;;',
      '  esac',
      '  if ! "${kubectl[@]}" apply --filename -; then',
      '    echo "eigenshard: is $1 there, from a call with other options? Wait for it, or delete it" >&2',
      '    exit 1',
      '  fi',
      '  until "${kubectl[@]}" wait --for=condition=Complete --timeout=30s "job/$1" 2> /dev/null; do',
      '    if ! found=$(conditions "$1"); then',
      '      echo "eigenshard: the cluster does not answer; $1 goes on, call this again to wait for it" >&2',
      '      exit 75',
      '    fi',
      '    case " $found " in',
      '      *" Failed "*)',
      '        echo "eigenshard: $1 failed; why, its pods say:" >&2',
      '        echo "  ${kubectl[*]} logs --prefix --tail=5 --selector=job-name=$1" >&2',
      '        exit 1',
      '        ;;',
      '      "  ")',
      '        # Nothing holds of one that runs, nor of one that somebody deleted.',
      '        if ! "${kubectl[@]}" get job "$1" > /dev/null; then exit 1; fi',
      '        ;;',
      '    esac',
      '    sleep 2',
      '  done',
      '}',
    ],
    ...launch.stages.map((stage) => {
      const job = stageJob(stage, launch);
      return [`compute ${job.metadata.name} << 'JOB'`, JSON.stringify(job, null, 2), 'JOB'];
    }),
  ];
  return { text: `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`, start: ['bash'] };
}

/**
 * Makes the Job of a stage. Two pods of one index may run at once, as when a node is cut off: the units allow it.
 */
function stageJob(stage: Stage, launch: KubernetesLaunch) {
  const { run, stepOptions, image, volumes, cpus, memory, user } = launch;
  const processes = processesOf(stage, launch);
  const instance = instanceName(run);
  const labels = {
    'app.kubernetes.io/name': 'eigenshard',
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': stage.name,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `eigenshard-${instance}-${stage.name}`, labels },
    spec: {
      completionMode: 'Indexed',
      completions: processes,
      parallelism: processes,
      backoffLimitPerIndex: RETRIES,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          // An eviction or the end of a node is no failure.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          // What is wrong with the input, or the result, stays so; the other indices go on.
          {
            action: 'FailIndex',
            onExitCodes: { containerName: 'eigenshard', operator: 'In', values: [2, 3] },
          },
        ],
      },
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: {
            runAsUser: user.uid,
            runAsGroup: user.gid,
            runAsNonRoot: user.uid !== 0,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'eigenshard',
              image,
              args: ['step', run, stage.name, ...stepOptions, '--workers', String(cpus)].map(unexpanded),
              // The index is JOB_COMPLETION_INDEX, which Kubernetes sets.
              env: [{ name: 'EIGENSHARD_OF', value: String(processes) }],
              resources: { requests: { cpu: String(cpus), memory }, limits: { memory } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: volumes.map(({ mount }, k) => ({ name: `shared-${k}`, mountPath: mount })),
            },
          ],
          volumes: volumes.map(({ claim }, k) => ({
            name: `shared-${k}`,
            persistentVolumeClaim: { claimName: claim },
          })),
        },
      },
    },
  } satisfies Job;
}

/** A name for a run within the rules of Kubernetes, and not that of a run of the same name in another folder. */
function instanceName(run: string): string {
  const name = path
    .basename(run)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  const hash = createHash('sha256').update(run).digest('hex').slice(0, 6);
  return [name.slice(0, 20).replaceAll(/^-+|-+$/g, ''), hash].filter((part) => part !== '').join('-');
}

/** Kubernetes puts variables in the place of $(NAME) in arguments, and takes $$ for a dollar. */
function unexpanded(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}

/** The plan names files by their paths, so the pods must have them where this machine has. */
function refuseOutside({ run, volumes }: KubernetesLaunch): void {
  if (volumes.some(({ mount }) => run === mount || run.startsWith(mount.replace(/\/*$/, '/')))) return;
  const mounts = volumes.map(({ mount }) => mount).join(', ');
  throw new InputError(
    `${run}: no pod would find it: it lies outside of ${mounts}; mount its volume there in the pods, too (--volume CLAIM:FOLDER)`,
  );
}
