#!/bin/bash-static
# What bash has and a plain shell has not.
declare -a list=(one two "three four"); echo "${#list[@]} ${list[2]} ${list[@]: -1}"
declare -A map=([a]=1 [b]=2); map[c]=3; for key in $(printf '%s\n' "${!map[@]}" | sort); do echo "$key=${map[$key]}"; done
[[ needletail-42 =~ ^([a-z]+)-([0-9]+)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
word=needle; echo "${word^^} ${word^} ${word/e/E} ${word//e/E} ${word:1:3} ${#word}"
echo {a..e} {1..9..2} x{1,2}y; printf '%q\n' "a b'c"; printf '%(%Y)T\n' 0
mapfile -t lines < <(printf 'x\ny\nz\n'); echo "${#lines[@]} ${lines[1]}"
while read -r line; do sum=$((sum + line)); done < <(seq 1 100); echo $sum
cat <<<"here string"; echo $((2 ** 40)) $((16#ff)); let 'n = 5 * 5'; echo $n
diff <(seq 1 3) <(seq 1 4) | tail -n +3
# COPROC is gone once the other process has ended: its output is kept by a number of its own.
coproc tr a-z A-Z; exec 7<&"${COPROC[0]}"; echo through >&"${COPROC[1]}"; exec {COPROC[1]}>&-
read -r answer <&7; exec 7<&-; echo "$answer"
# The others end when the first has been waited for.
mkfifo /tmp/bash-gate.$$; exec 6<>/tmp/bash-gate.$$; rm /tmp/bash-gate.$$
wait; for n in 5 1 3; do ([[ $n == 1 ]] && sleep 0.1 || read -r -u 6; exit $n) & children+=($!); done
wait -n "${children[@]}"; echo "first: $?"; echo >&6; echo >&6; wait; echo "all: $?"; exec 6>&-
trap 'echo leaving' EXIT; trap 'echo usr2' USR2; kill -USR2 $BASHPID; (trap - EXIT; exit 9); echo $?
set -o pipefail; false | true; echo "pipefail: $?"; set +o pipefail
getopts_test() { local OPTIND opt; while getopts 'ab:' opt; do echo "opt $opt ${OPTARG-}"; done; }; getopts_test -a -b value
exec 5>/tmp/bash-language.$$; echo written >&5; exec 5>&-; cat /tmp/bash-language.$$; rm /tmp/bash-language.$$
fibonacci() { if (($1 < 2)); then echo $1; else echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); fi; }; fibonacci 9
shopt -s extglob nullglob; echo /nosuch*; [[ abc == +(a|b|c) ]] && echo extglob
select_input=$(printf '2\n' | (PS3=''; select choice in red green; do echo "chose $choice"; break; done 2>/dev/null)); echo "$select_input"
ulimit -n >/dev/null && echo limits; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL); type -t cd; kill -l 10
timeout 5 cat </dev/null; echo "status: $?"; { bash-static -c 'kill -KILL $$'; } 2>/dev/null; echo "killed: $?"
{ bash-static -c 'ulimit -s 1024; deep() { deep; }; deep'; } 2>/dev/null; echo "deep: $?"
