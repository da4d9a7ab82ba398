#!/bin/bash
# One run on eight nodes of a Slurm cluster, from its login node: bash one-run.sh MODEL RUN
# All nodes see MODEL and RUN at the same paths. Called again, it has computed what is left.
set -e
model=$1
run=$2

[ -e "$run/plan.json" ] || eigenshard plan --model "$model" --out "$run"
eigenshard submit slurm "$run" --workers 8 -- --time=2:00:00 --cpus-per-task=16 --mem=32G
eigenshard status "$run"
