#!/bin/bash
# One run on machines without a scheduler, over SSH: bash one-run.sh MODEL RUN HOST...
# All hosts see MODEL and RUN at the same paths, and have eigenshard. Called again, it computes what is left.
set -e
model=$1
run=$2
hosts=("${@:3}")

[ -e "$run/plan.json" ] || eigenshard plan --model "$model" --out "$run"
# A run whose metric is given has no covariance.
for stage in scan identity covariance basis project verify finish; do
  echo "$stage"
  steps=()
  for index in "${!hosts[@]}"; do
    # SSH makes one text of its words, which the shell over there takes apart again: hence %q.
    words=(eigenshard step "$run" "$stage" --index "$index" --of "${#hosts[@]}")
    ssh -n "${hosts[index]}" "$(printf '%q ' "${words[@]}")" &
    steps+=($!)
  done
  # A stage begins when all of the one before are done. Where one fails, the others do the rest of theirs.
  code=0
  for step in "${steps[@]}"; do wait "$step" || code=$?; done
  if [ "$code" -ne 0 ]; then exit "$code"; fi
done
eigenshard status "$run"
