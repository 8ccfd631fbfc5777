#!/bin/zsh-static -f
# What zsh has and others have not.
list=(three one two); print -l ${(o)list}; print ${(j:,:)list} ${#list} $list[2] ${list[-1]}
typeset -A map; map=(a 1 b 2); print ${(ok)map} ${map[b]}
print ${(U)list[1]} ${${:-needle.tar.gz}:r} ${${:-/a/b/c}:t} ${(s:-:):-x-y-z}
mkdir -p /tmp/zsh.$$/d/e && cd /tmp/zsh.$$ && touch d/one.c d/e/two.c d/three.h && print -l **/*.c(.) *(/)
for n in {1..3}; print -n "$n "; print; repeat 2 print again
print $((3.0 / 2)) $((2 ** 10)) $((7 % 3)); [[ needle == n(e|x)*e ]] && print matched
print ${$(echo a b c)[2]}; cat =(print from a file) <(print from a pipe); print out > one > two; cat one two
seq 1 100 | while read n; do ((sum += n)); done; print $sum
{ print out; print -u2 err } 2>&1 | sort; (exit 5); print $?; sleep 0.05 & wait $!; print "waited $?"
TRAPUSR1() { print trapped; }; kill -USR1 $$; print ${(q):-"it's"} ${(%):-%m} | cut -d' ' -f1
f() { local x=$1; ((x > 0)) && { print -n $x; f $((x - 1)) }; }; f 5; print
cd /; rm -rf /tmp/zsh.$$; print -P '%?'; print ${(l:5::0:):-42} ${(w)#:-one two three}
