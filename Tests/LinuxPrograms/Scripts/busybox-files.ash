#!/bin/busybox ash
# Files and directories by the tools that everybody uses.
place=/tmp/busybox-files.$$; mkdir -p $place/a/b/c && cd $place || exit 1
echo hello >a/one; cp a/one a/b/two; mv a/b/two a/b/three; cat a/b/three
ln -s ../one a/b/link; readlink a/b/link; cat a/b/link
ln a/one a/hard; stat -c '%h %s %a %F' a/one
chmod 640 a/one; stat -c %a a/one; umask 077; : >a/private; stat -c %a a/private; umask 022
touch -d '2001-02-03 04:05:06' a/one; TZ=UTC stat -c %y a/one | cut -c1-19
find . | sort
rmdir a/b/c; rmdir a 2>&1 | sed 's/.*: //'
dd if=/dev/zero of=zeros bs=1000 count=77 2>/dev/null; stat -c %s zeros
dd if=zeros bs=1 skip=76998 2>/dev/null | od -An -tx1
seq 1 5000 >numbers; cmp numbers numbers && echo same; head -c 100 numbers | tail -c 9
echo x | cmp numbers - 2>&1 | sed 's/.*differ/differ/'
sha256sum numbers; md5sum <numbers
gzip -k numbers; gunzip -c numbers.gz | sha256sum; zcat numbers.gz | tail -n 1
tar cf all.tar a numbers; mkdir out; tar xf all.tar -C out; cmp out/numbers numbers && ls out out/a
tar czf all.tgz a; tar tzf all.tgz | sort
echo abc >>a/hard; cat a/one; wc -l a/one; cat nosuch 2>&1 | sed 's/.*: //'
cat a 2>&1 | sed 's/.*: //'; true 2>/dev/null >a/one/x; echo "status $?"
mkfifo pipe; (echo through the pipe >pipe &) ; cat pipe
awk 'NR % 1000 == 0 { total += $1 } END { printf "%d %.3f %s\n", total, total / 7, substr("needletail", 1, 6) }' numbers
sed -n '10,12p;s/^4999$/last but one/p' numbers; grep -c 7 numbers; grep -n '^49.9$' numbers | tail -n 2
ls -1 | sort; ls -ld a | cut -c1-10; du -a out >/dev/null && echo du
cp -r a copy; find copy -type l | wc -l; find copy -name 't*' -exec echo found {} \;
rm -r a copy; ls -d a 2>&1 | sed 's/.*: //'; realpath ./out/../out | sed "s|$place|place|"
truncate -s 3 numbers; od -c numbers | head -n 1
cd /; rm -rf $place; ls -d $place 2>/dev/null; echo end
