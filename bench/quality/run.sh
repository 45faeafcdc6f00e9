#!/usr/bin/env bash
# All methods and the ablation on one patches folder, several seeds, one row a finished run. A stop loses no finished run: start it again.
#
#   bench/quality/run.sh PATCHES OUT [key=value …]        e.g. … idc out epochs=30 input_size=32 batch_size=64
#
# PATCHES needs a patches.csv with label and split (train, val). Pretraining sees the split 'train' alone; the probe learns from it and is
# judged on 'val'. OUT/rows.jsonl gets a line a run, OUT/table.md the means. SSLP names the program; SEEDS the seeds.
set -euo pipefail
patches=$1 out=$2
shift 2
common=("$@")
here=$(cd "$(dirname "$0")" && pwd)
sslp=${SSLP:-$here/../../engine/SSLP.Cli/bin/Release/net10.0/sslp}
seeds=${SEEDS:-1 2 3}
mkdir -p "$out"
rows=$out/rows.jsonl
touch "$rows"

has() { grep -qF "\"name\": \"$1\", \"seed\": $2," "$rows"; }

# row NAME SEED SECONDS PROBE-ARGUMENTS…: both probes, one line.
row() {
    local name=$1 seed=$2 seconds=$3 linear knn
    shift 3
    linear=$("$sslp" probe linear --patches "$patches" --json "$@" | tr -d '\n')
    knn=$("$sslp" probe knn --patches "$patches" --json "$@" | tr -d '\n')
    printf '{"name": "%s", "seed": %s, "seconds": %s, "options": "%s", "linear": %s, "knn": %s}\n' \
        "$name" "$seed" "$seconds" "${common[*]}" "$linear" "$knn" >>"$rows"
}

input=$(printf '%s\n' "${common[@]}" | sed -n 's/^input_size=//p')
baseline() {
    has "$1" 0 || row "$1" 0 0 --baseline "$2" --input-size "${input:-224}"
}

# train NAME key=value…: every seed that has no row yet.
train() {
    local name=$1 seed begun run
    shift
    for seed in $seeds; do
        has "$name" "$seed" && continue
        run=$out/$name-$seed
        begun=$(date +%s)
        "$sslp" pretrain --patches "$patches" --split train --out "$run" --resume \
            $(printf -- '--set %s ' "${common[@]}" "seed=$seed" "$@")
        row "$name" "$seed" $(($(date +%s) - begun)) --encoder "$run/encoder.safetensors"
        rm -rf "$run/checkpoints"
    done
}

baseline colour colour
baseline texture texture
baseline untrained untrained
train sslp method=sslp
train instdisc method=instdisc
train mocov2 method=mocov2
train simclr method=simclr
train self method=sslp intra_weight=0 inter_weight=0
train self+intra method=sslp inter_weight=0
train radius-2 method=sslp radius=2
train auxiliary-0 method=sslp auxiliary_anchors=0
train auxiliary-3 method=sslp auxiliary_anchors=3
train negatives-random method=sslp negative_sampling=random
train negatives-hardest method=sslp negative_sampling=hardest
python3 "$here/table.py" "$rows" | tee "$out/table.md"
