#!/bin/busybox ash
# Numbers, checksums, processes and time.
dc -e '20 k 2 v p'; echo '2 100 ^ p' | dc; expr 17 \* 3 + 1; printf '%05.1f %x %o %s\n' 3.14159 255 8 text
date -u -d @0 '+%Y-%m-%d %H:%M:%S'; date -u -d '2024-02-29 12:00:00' +%s
echo -n abc | sha1sum; echo -n abc | sha512sum | cut -c1-32; echo hello | base64; echo aGVsbG8K | base64 -d
uname -s; uname -m; id -u; whoami 2>/dev/null | head -c 0; env -i A=b env; hostname >/dev/null && echo named
sleep 0.1; timeout 1 sleep 10; echo "timeout: $?"
ps | grep -q '[b]usybox-tools' && echo 'ps shows me'
ps -o pid,comm | awk -v me=$$ '$1 == me { print "myself" }'
top -b -n 1 | head -n 4 | awk '{ print $1 }'
top -b -n 1 | grep -q '[b]usybox-tools' && echo 'top shows me'
cat /proc/self/comm; tr '\0' ' ' </proc/self/cmdline | cut -d' ' -f1
test -d /proc/$$ && echo 'in /proc'; basename $(readlink /proc/self/exe); grep -c '^processor' /proc/cpuinfo | grep -q '^[1-9]' && echo CPUs
free | grep -c Mem; uptime | grep -c load; awk '{ exit !($1 > 0) }' /proc/uptime && echo up
kill -l TERM; sh -c 'exit 200'; echo $?; sh -c 'ulimit -n 100; ulimit -n'
seq 1 30000 | gzip | gunzip | sha256sum
time -p true 2>&1 | wc -l; usleep 1000; tty </dev/null; stty -a 2>&1 </dev/null | sed 's/.*: //' | head -n 1
head -c 32 /dev/urandom | wc -c; head -c 5 /dev/zero | od -An -tx1; echo x >/dev/full 2>/dev/null; echo "full: $?"
cd /proc && pwd; mount | grep -c ' /proc '; which ls >/dev/null && echo which; xargs --help 2>&1 | grep -c Usage
