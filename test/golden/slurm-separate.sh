#!/bin/bash
# A run of eigenshard as jobs of Slurm, an array for each stage, all submitted at once by
#   bash FILE
# which hands this same file to sbatch, with the name of a stage. Called again, it computes what is left.
#
# Of every task:
#SBATCH --ntasks=1
# After the failure of a node Slurm starts it again, and its log goes on:
#SBATCH --requeue
#SBATCH --open-mode=append
# 60 seconds before its time limit, this script is told:
#SBATCH --signal=B:USR1@60
# As they were given:
#SBATCH --time=2:00:00
#SBATCH --cpus-per-task=16
#SBATCH -p cpu

if [ $# -eq 0 ]; then
  file=${BASH_SOURCE[0]}
  if [ ! -f "$file" ]; then
    echo "eigenshard: save this script in a file first, then: bash FILE" >&2
    exit 2
  fi
  mkdir -p /scratch/runs/mine/submissions || exit 1
  declare -A jobs

  # submit STAGE LAST_TASK STAGE_BEFORE...: where a stage before fails, Slurm takes this one out of the queue.
  submit() {
    local name=$1 last=$2 job
    local options=(--parsable --job-name=eigenshard-mine"-$name" --array="0-$last")
    options+=(--output=/scratch/runs/mine/submissions/"slurm-%A-$1-%a.log")
    shift 2
    if [ $# -gt 0 ]; then
      options+=(--dependency="afterok$(for before; do printf ":%s" "${jobs[$before]}"; done)" --kill-on-invalid-dep=yes)
    fi
    if ! job=$(sbatch "${options[@]}" "$file" "$name"); then
      if [ ${#jobs[@]} -gt 0 ]; then scancel "${jobs[@]}"; fi
      exit 1
    fi
    # Behind a semicolon a federation names the cluster.
    jobs[$name]=${job%%;*}
    echo "$name: job ${jobs[$name]}"
  }

  submit scan 2
  submit identity 0 scan
  submit covariance 1 identity
  submit basis 0 covariance
  submit project 3 basis
  submit verify 3 project
  submit finish 0 verify
  exit 0
fi

run=/scratch/runs/mine
eigenshard=(/usr/bin/node /opt/eigenshard/coordinator.js)
job="${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
# How often the job may start again by itself.
restarts=10
step=

# As many threads as a process has CPUs, if that was said. Not every srun takes the number over from sbatch.
options=()
if [ -n "$SLURM_CPUS_PER_TASK" ]; then
  options+=(--workers "$SLURM_CPUS_PER_TASK")
  export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
fi
# A step that ended while its controller was away keeps its CPUs for Slurm: the next one is not to wait for them.
export SLURM_OVERLAP=1

# Puts the job into the queue again, which ends this script; then it finds what is done, and goes on.
again() {
  if [ "${SLURM_RESTART_COUNT:-0}" -lt "$restarts" ]; then
    echo "eigenshard: $1; the job starts again" >&2
    scontrol requeue "$job"
  else
    echo "eigenshard: $1, and the job has started again $restarts times; submit it again" >&2
  fi
  exit 75
}

# The time limit is near: the step is told to end, not by srun, which would kill it, and its units stay whole.
limit() {
  if [ -n "$step" ]; then
    scancel --signal=TERM "$job"
    wait "$step"
  fi
  again "the time limit is near"
}
trap limit USR1
# The job is cancelled, or makes room for another one: Slurm has told the step.
trap 'if [ -n "$step" ]; then wait "$step"; fi; exit 143' TERM

# compute STAGE OPTION_OF_SRUN...: each process computes every unit u with u mod (processes) = its number.
# One that has ended, well or not, leaves the others at their work, whatever this cluster does by itself. Of several
# exit codes srun gives the highest: 75 is what may pass (a full disk, no memory), 2 and 3 stay as they are.
compute() {
  local code
  srun --kill-on-bad-exit=0 --wait=0 "${@:2}" "${eigenshard[@]}" step "$run" "$1" "${options[@]}" &
  step=$!
  wait "$step"
  code=$?
  step=
  if [ "$code" -eq 75 ]; then again "$1: what failed may pass"; fi
  if [ "$code" -ne 0 ]; then exit "$code"; fi
}

compute "$1"
