#!/bin/busybox ash
# Pipes, redirections, jobs in the background and what the shell itself does.
echo "sum: $(seq 1 1000 | awk '{ sum += $1 } END { print sum, NR }')"
seq 1 200 | sort -r | head -n 3 | tr '\n' ' '; echo
printf 'b\na\nc\nb\na\nb\n' | sort | uniq -c | sort -rn | sed 's/^ *//'
echo one two three | { read first rest; echo "$first / $rest"; }
yes | head -n 100000 | wc -l
seq 1 20000 | sort -n -r | sort -n | md5sum
cat <<END | cut -d: -f2 | tr a-z A-Z
x:alpha:1
y:beta:2
END
echo "from a subshell: $( (cd /; pwd); echo $((6 * 7)) )"
false | true; echo "status of a pipe: $?"
(exit 3); echo "status of a subshell: $?"
sh -c 'kill -9 $$' 2>/dev/null; echo "killed: $?"
nosuchcommand 2>/dev/null; echo "not found: $?"
echo visible; echo hidden >/dev/null; echo error 2>/dev/null >&2
{ echo to-both; } | tee /dev/stderr 2>&1 | wc -c
count=0; while [ $count -lt 50 ]; do count=$((count + 1)); /bin/true; done; echo "forked $count"
for number in 1 2 3 4 5; do (sleep 0.0$number; exit $number) & children="$children $!"; done
for child in $children; do wait $child; echo -n "$? "; done; echo
trap 'echo trapped; trap - USR1' USR1; kill -USR1 $$; echo after
# It says "Terminated" only where it has not seen the end yet.
sleep 10 & job=$!; kill $job; wait $job 2>/dev/null; echo "terminated: $?"
echo a b c | xargs -n 1 echo item
double() { echo $(($1 * 2)); }; double 21
case busybox in b*x) echo matched ;; *) echo missed ;; esac
set -- x "y z"; echo "$# ${2#y} ${1:-none} ${3:-none}"
i=0; seq 1 3000 | while read line; do i=$((i + line)); [ "$line" != 3000 ] || echo "read: $i"; done
