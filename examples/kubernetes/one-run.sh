#!/bin/bash
# One run on eight pods, from where kubectl reaches the cluster: bash one-run.sh MODEL RUN
# MODEL is on the hub, or lies on the volume as RUN does, below /shared; the pod of shell.yaml plans it.
# Called again, it computes what is left.
set -e -o pipefail
model=$1
run=$2
there=(kubectl exec shell -- eigenshard)

kubectl exec shell -- test -e "$run/plan.json" || "${there[@]}" plan --model "$model" --out "$run"
"${there[@]}" submit kubernetes "$run" --workers 8 --cpus 16 --memory 32Gi \
  --image registry.example/eigenshard --volume shared:/shared --print | bash
"${there[@]}" status "$run"
