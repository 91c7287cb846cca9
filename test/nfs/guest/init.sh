#!/bin/bash
# The first process of the User Mode Linux that the tests of NFS boot: init.sh PACKAGES WORK COMMAND...
# The machine's files are there, read-only but for WORK, below a root of its own in memory, which a server of NFS v4 can
# export; /etc, /run and /var/lib are its own. Runs COMMAND and powers off.
packages=$1 work=$2
shift 2
mount -t proc proc /proc
mount -t tmpfs -o mode=755 root /run
root=/run/root
mkdir -p $root
for entry in /*; do
  name=${entry#/}
  case $name in
    proc | sys | run | lost+found) mkdir -p "$root/$name"; continue ;;
    etc) cp -a /etc $root/etc 2>/dev/null; continue ;;
  esac
  if [ -L "$entry" ]; then cp -a "$entry" "$root/$name"; continue; fi
  [ -d "$entry" ] || continue
  mkdir -p "$root/$name"
  mount --rbind "$entry" "$root/$name"
done
mount -t proc proc $root/proc
mount -t sysfs sys $root/sys
mount -t tmpfs -o mode=755 run $root/run
mount -t tmpfs -o mode=755 state $root/var/lib
mount -t tmpfs shm $root/dev/shm 2>/dev/null
mount -t hostfs work "$root$work" -o "$work"
mkdir -p $root/run/rpcbind $root/run/sendsigs.omit.d $root/var/lib/nfs/{rpc_pipefs,v4recovery,sm,sm.bak} $root/var/lib/misc
ln -sfn /proc/self/mounts $root/etc/mtab
: >$root/etc/exports
grep -q '^_rpc:' $root/etc/passwd || echo '_rpc:x:106:65534::/run/rpcbind:/usr/sbin/nologin' >>$root/etc/passwd
chown 106 $root/run/rpcbind

files=$packages/root
export LD_LIBRARY_PATH=$files/usr/lib/x86_64-linux-gnu:$files/lib/x86_64-linux-gnu:$files/usr/lib/ganesha
export PATH=$files/bin:$files/usr/sbin:$files/sbin:$files/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root
chroot $root "$@"
echo "the guest's command ended with $?"
echo o >/proc/sysrq-trigger
sleep 20
