#!/bin/sh
# Runs the guest programs on this Linux host, the reference for what they must do on Needletail.
#
# usage: check.sh BIN-DIRECTORY. Prints a line for each failure and a summary; the status is 1 if any failed.

directory=$1
count=0
failures=0

# expect STATUS PROGRAM [ARGUMENT...]: runs the program and compares its exit status.
expect() {
  wanted=$1
  shift
  output=$("$directory/$@" 2>&1)
  status=$?
  count=$((count + 1))
  if [ "$status" -ne "$wanted" ]; then
    failures=$((failures + 1))
    echo "not ok $*: status $status, expected $wanted"
    echo "$output" | head -n 20
  fi
}

# has PROGRAM: whether this CPU has what the program is about.
has() {
  "$directory/$1" --rounds 1 --quiet > /dev/null
  [ $? -ne 3 ]
}

# patterns PROGRAM REGISTER...: intact as it is, and each register spoiled is found.
patterns() {
  program=$1
  shift
  if ! has "$program"; then
    echo "skipped $program: not on this CPU"
    return
  fi
  expect 0 "$program" --rounds 200 --spin 2000
  expect 0 "$program" --rounds 200 --spin 100 --yield --seed 7
  expect 0 "$program" --help
  expect 2 "$program" --rounds
  expect 2 "$program" --rounds 99999999999999999999
  expect 2 "$program" --no-such-option
  for register in "$@"; do
    expect 1 "$program" --rounds 20 --spin 100 --corrupt "$register"
    case $output in
      *"register $register expected 0x"*) ;;
      *) failures=$((failures + 1)); echo "not ok $program: $register is not named: $output" ;;
    esac
  done
}

numbered() { seq -f "$1%g" 0 "$2"; }

x87="fcw fsw $(numbered st 7)"
case $("$directory/mixed" --rounds 1) in
  *AVX-512*) widest="$(numbered zmm 31) $(numbered k 7)" ;;
  *AVX*) widest=$(numbered ymm 15) ;;
  *) widest=$(numbered xmm 15) ;;
esac

patterns integer rax rbx rcx rdx rsi rdi rbp $(seq -f "r%g" 8 15) rflags
patterns x87 $x87
patterns sse mxcsr $(numbered xmm 15)
patterns avx mxcsr $(numbered ymm 15)
patterns avx512 mxcsr $(numbered zmm 31) $(numbered k 7)
patterns mixed mxcsr $x87 $widest
patterns pkru pkru
patterns threads

expect 0 init one two
expect 0 forkexec --rounds 50
expect 0 forkexec --rounds 20 --spin 100 --self "$directory/forkexec"
expect 1 forkexec --rounds 1 --self /no/such/program
expect 1 forkexec --rounds 1 --corrupt mxcsr
expect 0 threads --threads 32 --rounds 200 --yield
expect 0 x87pending --rounds 20 --yield
expect 0 cow --rounds 30 --yield
expect 0 cow --rounds 3 --pages 5000
expect 0 syscalls --quiet
expect 0 bench --count 100

for kind in divide x87 simd; do expect 136 fault --kind $kind; done
for kind in null kernel-read kernel-write jump-kernel privileged noncanonical-jump stack-overflow \
  write-text execute-data; do
  expect 139 fault --kind $kind
done
expect 132 fault --kind ud2
expect 2 fault --kind none

# Several at once, more than there are CPUs.
processes=
for seed in 1 2 3; do
  for program in integer x87 sse avx avx512 mixed threads; do
    has $program || continue
    "$directory/$program" --rounds 2000 --quiet --seed $seed &
    processes="$processes $!"
  done
done
for process in $processes; do
  count=$((count + 1))
  wait "$process" || { failures=$((failures + 1)); echo "not ok: process $process of those run at once"; }
done

# The program without FPU use has not one instruction of it.
if "${OBJDUMP:-objdump}" -d "$directory/integer" | grep -qE '%([xyz]mm|st)|mxcsr|fxsave|fldcw'; then
  failures=$((failures + 1))
  echo "not ok integer: has FPU instructions"
fi

echo "$count runs of guest programs on Linux, $failures failed"
[ "$failures" -eq 0 ]
