#!/usr/bin/env bash
# Several processes: torchrun's and Slurm's variables give the same bits as --processes; a killed, stopped or failing process ends the
# job in bounded time with a line that names it; the job goes on from its checkpoint with another number of processes.
. "$(dirname "$0")/common.bash"

train() { "${TRAIN[@]}" "$@"; }
log() { tr -d '\0' <"$W/log" | tail -n 3; }

train "$W/out/two" --epochs 2 --processes 2 >"$W/log" 2>&1 </dev/null || fault "--processes 2: $(log)"
grep -q '2 processes share every batch' "$W/log" || fault "the log does not say that two processes share the batches"
port=$((20000 + $$ % 20000))
for rank in 0 1; do
    RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
        "${TRAIN[@]}" "$W/out/torchrun" --epochs 2 >"$W/log.$rank" 2>&1 </dev/null &
    SLURM_PROCID=$rank SLURM_STEP_NUM_TASKS=2 SLURM_LOCALID=$rank SLURM_STEP_NODELIST=localhost \
        SLURM_STEP_TASKS_PER_NODE=2 SLURM_JOB_ID=$((port + 1)) \
        "${TRAIN[@]}" "$W/out/slurm" --epochs 2 >"$W/log.slurm.$rank" 2>&1 </dev/null &
done
wait
for kind in torchrun slurm; do
    cmp -s "$W/out/two/model.safetensors" "$W/out/$kind/model.safetensors" || fault "$kind: other weights than --processes 2"
done
echo "torchrun's and Slurm's variables: the same weights"
[ -s "$W/log.1" ] && fault "process 1 writes: $(head -n 1 "$W/log.1")"

for command in "evaluate --json --latency-samples 0 --model $W/out/two" "label --json --teacher $W/out/two"; do
    for count in 1 3; do
        # shellcheck disable=SC2086
        DISTILL_CACHE=$W/cache.$count "$DISTILL" $command --data "$TEXTS" --processes $count 2>"$W/log" </dev/null |
            grep -E '"(accuracy|loss|computed|examples)"' >"$W/result.$count" || fault "${command%% *} --processes $count: $(log)"
    done
    cmp -s "$W/result.1" "$W/result.3" || fault "${command%% *}: $(diff "$W/result.1" "$W/result.3" | head -4)"
    echo "${command%% *} by three processes: as by one"
done

RANK=0 WORLD_SIZE=2 "${TRAIN[@]}" "$W/out/half" >"$W/log" 2>&1 </dev/null && fault "half of torchrun's variables were taken"
grep -q MASTER_ADDR "$W/log" || fault "what is missing is not named: $(log)"

# hinder NAME SIGNAL PATTERN: a process of a long run gets a signal.
hinder() {
    local start=$SECONDS status victim
    "${TRAIN[@]}" "$W/out/$1" --epochs 2000 --save-steps 5 --ddp-timeout 8 --processes 3 >"$W/log" 2>&1 </dev/null &
    run=$!
    for _ in $(seq 300); do
        ls "$W/out/$1.checkpoints"/checkpoint-*/SHA256SUMS >/dev/null 2>&1 && break
        sleep 0.1
    done
    victim=$(pgrep -P $run | tail -n 1)
    start=$SECONDS
    kill -s "$2" "$victim"
    await $run
    status=$?
    echo "$2 to a process: exit code $status"
    [ $((SECONDS - start)) -lt 45 ] || fault "$2: the job ended only after $((SECONDS - start)) seconds"
    [ $status != 0 ] || fault "$2: exit code 0"
    grep -Eq "$3" "$W/log" || fault "$2: no line names the process: $(log)"
    [ -z "$(pgrep -f "$W/out/$1")" ] || fault "$2: processes are left"
    rest=$("${TRAIN[@]}" "$W/out/$1" --epochs 2000 --resume --processes 2 --max-steps 1 2>&1 </dev/null) && fault "$1: other settings were taken"
    grep -q 'max_steps was' <<<"$rest" || fault "$1: the resume does not name the difference: $rest"
}

# Where the process that started them is killed, the others save a checkpoint and end.
"${TRAIN[@]}" "$W/out/orphans" --epochs 2000 --processes 2 >"$W/log" 2>&1 </dev/null &
run=$!
for _ in $(seq 300); do grep -q 'epoch ' "$W/log" && break; sleep 0.1; done
kill -KILL $run
await $run
for _ in $(seq 100); do [ -z "$(pgrep -f "$W/out/orphans")" ] && break; sleep 0.1; done
[ -z "$(pgrep -f "$W/out/orphans")" ] || fault "processes are left whose job was killed"
ls "$W/out/orphans.checkpoints"/checkpoint-*/SHA256SUMS >/dev/null 2>&1 || fault "they left no checkpoint"
echo "KILL to the job: its processes save a checkpoint and end"

hinder killed KILL 'process 2 of 3 \(process id [0-9]+\) was killed by signal 9'
hinder stopped STOP 'process 2 of 3 \(.*process id [0-9]+\) has given no sign of life'

# To the job's process, and, as service managers do it, to its whole process group: each process has it once.
set -m
for whom in group job; do
    "${TRAIN[@]}" "$W/out/term" --overwrite --epochs 2000 --processes 2 >"$W/log" 2>&1 </dev/null &
    run=$!
    for _ in $(seq 300); do grep -q 'epoch ' "$W/log" && break; sleep 0.1; done
    kill -TERM $([ $whom = group ] && echo "-- -$run" || echo $run)
    await $run
    status=$?
    echo "TERM to the $whom: exit code $status"
    [ $status = 75 ] || fault "TERM to the $whom: exit code $status instead of 75: $(log)"
done
set +m
for count in 3 1; do
    "${TRAIN[@]}" "$W/out/term" --epochs 2000 --resume --processes $count >"$W/log" 2>&1 </dev/null &
    run=$!
    for _ in $(seq 300); do grep -q 'epoch ' "$W/log" && break; sleep 0.1; done
    grep -q 'Goes on from' "$W/log" || fault "$count processes do not go on: $(log)"
    kill -TERM $run
    await $run
    status=$?
    [ $status = 75 ] || fault "$count processes, TERM: exit code $status: $(log)"
done
echo "it goes on with three processes, and with one"
[ -z "$(hidden "$W/out" "$TMPDIR")" ] || fault "left: $(hidden "$W/out" "$TMPDIR" | tr '\n' ' ')"
finish
