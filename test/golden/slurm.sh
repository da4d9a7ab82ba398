#!/bin/bash
# A run of eigenshard as one job, a step for each stage. Submitted again, it computes what is left:
#   mkdir -p /scratch/runs/mine/submissions
#   sbatch FILE
#
# Processes, each on a node of its own:
#SBATCH --job-name=eigenshard-mine
#SBATCH --ntasks=4
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
# After the failure of a node Slurm starts it again, and its log goes on:
#SBATCH --requeue
#SBATCH --open-mode=append
# 60 seconds before its time limit, this script is told:
#SBATCH --signal=B:USR1@60
#SBATCH --output=/scratch/runs/mine/submissions/slurm-%j.log
# As they were given:
#SBATCH --time=2:00:00
#SBATCH --cpus-per-task=16
#SBATCH -p cpu

run=/scratch/runs/mine
eigenshard=(/usr/bin/node /opt/eigenshard/coordinator.js)
job="$SLURM_JOB_ID"
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

# Each step waits for all processes of the one before. What is one unit needs no second process.
compute scan
compute identity --nodes=1 --ntasks=1
compute covariance
compute basis --nodes=1 --ntasks=1
compute project
compute verify
compute finish --nodes=1 --ntasks=1
