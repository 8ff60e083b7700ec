#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# Process 1 of the lab's guest; the script "lab" starts it through the kernel.
#
# The root is the host's file tree, read-only.  Lay a RAM overlay over it, so that
# everything is writable and nothing reaches the host but what goes into shared
# directories.  Start the HCI capture, D-Bus, the virtual controllers and bluetoothd,
# run the job, and leave its exit status in the job directory.
#
# /run/lab/bluetoothd starts bluetoothd the lab's way, for a test that killed it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
run=/run/lab

# share DIR MOUNTPOINT: mount a directory of the host, writable
share() {
    mkdir -p "$2"
    mount -t hostfs -o "$1" none "$2" || end 125
}

# wait_for COMMAND...: until it succeeds; half a minute at most
wait_for() {
    for _ in $(seq 600); do
        "$@" > /dev/null 2>&1 && return
        sleep 0.05
    done
    echo "lab: gave up waiting for: $*; -o DIR keeps the logs" >&2
    end 125
}

powered() {
    for i in $(seq 0 $((controllers - 1))); do
        dbus-send --system --print-reply --dest=org.bluez "/org/bluez/hci$i" \
            org.freedesktop.DBus.Properties.Get string:org.bluez.Adapter1 string:Powered |
            grep -q 'boolean true' || return
    done
}

# A guest has no source of randomness: getrandom() would block for ever.
# 0x40085203 is RNDADDENTROPY: bits credited, bytes that follow.
seed_randomness() {
    python3 -c '
import fcntl, struct, sys
seed = open(sys.argv[1], "rb").read()
fcntl.ioctl(open("/dev/random", "wb"), 0x40085203, struct.pack("ii", 8 * len(seed), len(seed)) + seed)
' $run/job/seed || end 125
}

# Leave the exit status and switch the guest off.
end() {
    echo "$1" > $run/job/status
    echo 0 > /proc/sys/kernel/printk
    exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'
}

# service NAME COMMAND...: a script that runs it with its log in the right place
service() {
    name=$1
    shift
    printf '#!/bin/sh\nexec %s >> %s/job/log/%s.log 2>&1\n' "$*" $run "$name" > "$run/$name"
    chmod +x "$run/$name"
}

if [ "$1" != inside ]; then
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
    exec chroot /mnt/root /bin/sh "$0" inside
fi

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dbus /run/lock $run
rm -f /tmp/bt-server-*
mkdir -p /var/lib/bluetooth # no bonds of the host's
mount -t tmpfs -o mode=700 tmpfs /var/lib/bluetooth
echo lab > /proc/sys/kernel/hostname
# The guest has no source of randomness, and getrandom() would wait for ever: credit it some.
python3 -c 'import fcntl, struct; fcntl.ioctl(open("/dev/random", "wb"), 0x40085203,
    struct.pack("ii64s", 512, 64, open("/proc/sys/kernel/random/uuid", "rb").read().ljust(64)))'
ip link set lo up 2> /dev/null
stty -opost # the console is a terminal: keep line ends as they are

share "$(sed 's/.*job=\([^ ]*\).*/\1/' /proc/cmdline)" $run/job
seed_randomness
. $run/job/settings # controllers seconds shares radio prefix *_conf *_args
for dir in $shares; do share "$dir" "$dir"; done
[ -z "$dbus_conf" ] || cp "$dbus_conf" /etc/dbus-1/system.d/lab-extra.conf || end 125

if [ -n "$prefix" ]; then # as installed
    grep -q ^stipple: /etc/group || echo stipple:x:987: >> /etc/group
    grep -q ^stipple: /etc/passwd ||
        echo stipple:x:987:987::/var/lib/stipple:/usr/sbin/nologin >> /etc/passwd
    install -d -m 700 -o stipple -g stipple /var/lib/stipple
    cp "$prefix"/share/dbus-1/system.d/*.conf /etc/dbus-1/system.d/ || end 125
fi

mkdir -p $run/job/log
python3 "${0%/*}/capture.py" $run/job/log/hci.btsnoop 2> $run/job/log/capture.log &
capture=$!
wait_for test -s $run/job/log/hci.btsnoop
service dbus dbus-daemon --system --nofork --nopidfile
service bluetoothd /usr/libexec/bluetooth/bluetoothd -n -f "$main_conf" $bluetoothd_args
$run/dbus &
if [ "$controllers" -gt 0 ]; then
    if [ -n "$radio" ]; then
        service btvirt btvirt -s
        service radio python3 "${0%/*}/radio.py" "$controllers"
        $run/btvirt &
        wait_for test -S /tmp/bt-server-le
        $run/radio &
    else
        service btvirt btvirt "$btvirt_args -l$controllers"
        $run/btvirt &
    fi
    wait_for test -e "/sys/class/bluetooth/hci$((controllers - 1))"
fi
wait_for test -S /run/dbus/system_bus_socket
$run/bluetoothd &
[ "$controllers" -eq 0 ] || wait_for powered

cd "$(cat $run/job/cwd)" || end 125
timeout -k 5 "$seconds" bash $run/job/command < /dev/null
status=$?
{ kill $capture; wait $capture; } 2> /dev/null
end $status
