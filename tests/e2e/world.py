# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A clinic to test in: a bus, a radio, pens, the daemon and the tool, all as installed.

Two kinds, the same for the tests: "fake" has a private bus and stipple-fake-bluez on it;
"lab" is the guest of tests/lab, with its system bus and Debian's bluetoothd.  STIPPLE_WORLD
names the kind.  Programs are taken from PATH or from the build directory STIPPLE_BUILDDIR.

Nothing here sleeps to wait: everything waits for a line, a name on the bus, or an end.
"""
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BUS_CONFIG = """<busconfig>
  <type>system</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    {rules}
  </policy>
</busconfig>
"""

# Where the programs are in a build directory, for tests run by meson.
IN_BUILD = {
    "stippled": "daemon/stippled",
    "stipplectl": "cli/stipplectl",
    "stipple-pensim": "tests/sim/stipple-pensim",
    "stipple-fake-bluez": "tests/fake/stipple-fake-bluez",
    "stipple-sample-csv": "tests/sim/stipple-sample-csv",
    "example-verifier": "libprotocol/examples/example-verifier",
}


# In the lab's guest.
RADIO_LOG = "/run/lab/job/log/radio.log"
BLUETOOTHD_LOG = "/run/lab/job/log/bluetoothd.log"


class Timeout(AssertionError):
    """Something that was waited for did not come."""


def wait_until(done, what, timeout=30, every=0.05):
    """For what nobody tells: ask until it is so."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise Timeout("%s: not within %d s" % (what, timeout))
        time.sleep(every)


def took_too_long(number, frame):
    raise Timeout("the test took longer than STIPPLE_TEST_SECONDS")


def program(name):
    build = os.environ.get("STIPPLE_BUILDDIR")
    for path in ([os.path.join(build, IN_BUILD[name])] if build else []):
        if os.access(path, os.X_OK):
            return path
    path = shutil.which(name)
    if not path:
        raise FileNotFoundError("%s is neither installed nor built; './run setup' and './run test' "
                                "build it" % name)
    return path


class Process:
    """A program under way; its stdout is read as lines, JSON where it is JSON."""

    def __init__(self, world, name, *args, env=None):
        self.name = name
        self.log_path = os.path.join(world.directory, "%s-%d.log" % (name, len(world.processes)))
        self.log = open(self.log_path, "wb")
        self.popen = subprocess.Popen([program(name), *map(str, args)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=self.log,
                                      env={**world.env, **(env or {})})
        self.seen = []
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        world.processes.append(self)

    def _read(self):
        for line in self.popen.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            try:
                self.lines.put(json.loads(text))
            except ValueError:
                self.lines.put(text)
        self.lines.put(None)

    def drain(self):
        """All lines so far."""
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return self.seen

    def wait_event(self, wanted, timeout=60, what=None, since=0):
        """The first line for which wanted(line) is true, of all or of those after the first few."""
        for line in self.seen[since:]:
            if wanted(line):
                return line
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise Timeout("%s did not say %s within %d s; it said %s\n%s" % (
                    self.name, what or "what was waited for", timeout, self.seen[-5:],
                    self.stderr()[-3000:])) from None
            if line is None:
                raise Timeout("%s ended (%s) before it said %s\n%s" % (
                    self.name, self.popen.wait(), what or "what was waited for",
                    self.stderr()[-3000:]))
            self.seen.append(line)
            if wanted(line):
                return line

    def stderr(self):
        self.log.flush()
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def kill(self, how=signal.SIGKILL, timeout=20):
        """Send a signal, wait for the end, return the exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise Timeout("%s did not end on signal %d within %d s\n%s" % (
                self.name, how, timeout, self.stderr()[-3000:])) from None


class World:
    def __init__(self, adapters=4, bluez=True, fake_args=()):
        self.kind = os.environ.get("STIPPLE_WORLD", "fake")
        self.directory = tempfile.mkdtemp(prefix="stipple-")
        self.state = os.path.join(self.directory, "state")
        self.truth = os.path.join(self.directory, "truth")
        self.processes = []
        self.env = dict(os.environ, TZ="Europe/Berlin", NO_COLOR="1", LC_ALL="C.UTF-8",
                        # Whatever keeps this machine's clock: tests are the same everywhere.
                        STIPPLE_CLOCK="untrusted")
        # The leases of the adapters are a machine's; these adapters are this world's alone.
        self.env["RUNTIME_DIRECTORY"] = os.path.join(self.directory, "run")
        self.bus = None
        self.adapters = adapters
        if self.kind == "fake":
            self.start_bus()
            if bluez:
                self.start_bluez(*fake_args)
        else:
            self.forget_bonds()

    def __enter__(self):
        # So that a test which hangs says where, before somebody ends the whole script.
        limit = int(os.environ.get("STIPPLE_TEST_SECONDS", "0"))
        if limit:
            signal.signal(signal.SIGALRM, took_too_long)
            signal.alarm(limit)
        return self

    def __exit__(self, kind, value, trace):
        signal.alarm(0)
        if kind is not None:
            self.tell_logs()
        left = self.close()
        if kind is None and left:
            raise AssertionError("left behind: %s" % ", ".join(left))

    def tell_logs(self, lines=60):
        """The ends of what the programs logged, for a test that failed."""
        for process in self.processes:
            end = [line for line in process.stderr().splitlines() if line][-lines:]
            print("---- %s\n%s" % (process.name, "\n".join(end)), file=sys.stderr)
        if self.kind == "lab" and os.path.exists(RADIO_LOG):
            self.tell_radio()
        if self.kind == "lab" and os.path.exists(BLUETOOTHD_LOG):
            with open(BLUETOOTHD_LOG, errors="replace") as log:
                print("---- bluetoothd\n%s" % "".join(log.readlines()[-lines:]), file=sys.stderr)

    def tell_radio(self):
        """What the air looks like now: who advertises, who tries to connect."""
        before = os.path.getsize(RADIO_LOG)
        with open("/run/radio", "w") as air:
            air.write("state\n")
        try:
            wait_until(lambda: os.path.getsize(RADIO_LOG) > before, "the radio's state", 5)
        except Timeout as timeout:
            print(timeout, file=sys.stderr)
        with open(RADIO_LOG, errors="replace") as log:
            print("---- radio\n%s" % log.read()[before:], file=sys.stderr)

    # ---- the world's parts ----

    def forget_bonds(self):
        """The lab's guest has one bluetoothd for all tests of a boot; a world begins without bonds."""
        import dbus
        bus = dbus.SystemBus()
        objects = dbus.Interface(bus.get_object("org.bluez", "/"), "org.freedesktop.DBus.ObjectManager")
        for path, interfaces in objects.GetManagedObjects().items():
            device = interfaces.get("org.bluez.Device1")
            if device and device.get("Paired"):
                adapter = bus.get_object("org.bluez", device["Adapter"])
                adapter.RemoveDevice(path, dbus_interface="org.bluez.Adapter1")

    def start_bus(self, rules=""):
        config = os.path.join(self.directory, "bus.conf")
        address = os.path.join(self.directory, "bus")
        with open(config, "w") as file:
            file.write(BUS_CONFIG.format(path=address, rules=rules))
        self.bus = subprocess.Popen(["dbus-daemon", "--config-file", config, "--nofork",
                                     "--print-address=1"], stdout=subprocess.PIPE,
                                    stdin=subprocess.DEVNULL, stderr=open(config + ".log", "ab"))
        self.env["DBUS_SYSTEM_BUS_ADDRESS"] = self.bus.stdout.readline().decode().strip()

    def start_bluez(self, *args):
        self.bluez = Process(self, "stipple-fake-bluez", "--verbose", "--adapters", self.adapters, *args)
        self.wait_name("org.bluez")
        return self.bluez

    def wait_name(self, name, timeout=20):
        done = subprocess.run(["gdbus", "wait", "--system", "--timeout", str(timeout), name],
                              env=self.env, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Timeout("nobody owned %s within %d s\n%s" % (
                name, timeout, "\n".join(p.stderr()[-1500:] for p in self.processes)))

    def start_pens(self, count, *args):
        adapters = ",".join("hci%d" % (i + 1) for i in range(count))
        pens = Process(self, "stipple-pensim", "--pens", count, "--adapters", adapters,
                       "--truth", self.truth, *args)
        for i in range(count):
            pens.wait_event(lambda e, i=i: isinstance(e, dict) and e.get("event") == "ready" and
                            e.get("adapter") == "hci%d" % (i + 1), what="ready on hci%d" % (i + 1))
        return pens

    def start_daemon(self, *args, state=None, wait=True, env=None, adapter="hci0"):
        daemon = Process(self, "stippled", "--verbose", "--state-dir", state or self.state,
                         "--adapter", adapter, *args, env=env)
        if wait:
            self.wait_name("org.stipple1")
        return daemon

    # ---- the tool ----

    def ctl(self, *args, status=0, stdin=None, timeout=120, env=None):
        """Run stipplectl; its stdout.  status None: any exit status, and the whole result."""
        done = subprocess.run([program("stipplectl"), *map(str, args)], input=stdin, text=True,
                              capture_output=True, env={**self.env, **(env or {})},
                              timeout=timeout, stdin=None if stdin is not None else subprocess.DEVNULL)
        if status is None:
            return done
        if done.returncode != status:
            raise AssertionError("stipplectl %s: exit status %d, not %d\n%s%s" % (
                " ".join(map(str, args)), done.returncode, status, done.stdout, done.stderr))
        return done.stdout

    def ctl_json(self, *args, **kw):
        return json.loads(self.ctl(*args, "--json", **kw))

    def wait_status(self, part, state, timeout=20):
        """Ask for the daemon's status until a part of it is in that state; the part."""
        deadline = time.monotonic() + timeout
        while True:
            now = json.loads(self.ctl("status", "--json", status=None).stdout)[part]
            if now["state"] == state:
                return now
            if time.monotonic() > deadline:
                raise Timeout("%s is %s, not %s, after %d s" % (part, now["state"], state, timeout))

    def pens_of(self, pens):
        """The simulator's pens as it announced them, in order."""
        ready = {}
        for event in pens.seen:
            if isinstance(event, dict) and event.get("event") == "ready":
                ready[event["pen"]] = event
        return [ready[serial] for serial in sorted(ready)]

    def enrol(self, pens, serial, label=None, verb="add"):
        """As a person does: ask for the pen, read the code off it, type it."""
        args = [program("stipplectl"), "pens", verb, serial, "--passkey", "-", "--timeout", "60"]
        if label:
            args += ["--label", label]
        said = len(pens.drain())
        add = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=self.env)
        shown = pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "passkey" and
                                e.get("pen") == serial, what="a passkey for %s" % serial, since=said)
        out, err = add.communicate("%06d\n" % int(shown["passkey"]), timeout=130)
        if add.returncode != 0:
            raise AssertionError("pens add %s: exit status %d\n%s%s\n%s" % (
                serial, add.returncode, out, err, self.processes[-1].stderr()[-3000:]))
        return out

    def sync_until_complete(self, serial, tries=6, within=150):
        """Sync as often as it takes; a pen that drops the link makes some fail."""
        began = time.monotonic()
        said = []
        while len(said) < tries and time.monotonic() - began < within:
            done = self.ctl("sync", serial, status=None, timeout=180)
            if done.returncode in (0, 2) and self.coverage(serial) == 100.0:
                return
            said.append(done.stdout + done.stderr)
        raise AssertionError("%s is not complete after %d syncs in %d s: %s\n%s" % (
            serial, len(said), time.monotonic() - began, self.ctl("coverage", serial, status=None).stdout,
            "".join(said)))

    def coverage(self, serial):
        done = self.ctl("coverage", serial, "--json", status=None)
        entries = json.loads(done.stdout).get("coverage", [])
        used = [e["percent"] for e in entries]
        return min(used) if used else 0.0

    # ---- the end ----

    def close(self):
        """End everything; what was still there that should not have been."""
        left = []
        for process in reversed(self.processes):
            if process.popen.poll() is None:
                try:
                    process.kill(signal.SIGTERM)
                except Timeout as timeout:
                    left.append(str(timeout))
            process.log.close()
            process.popen.stdout.close()
        if self.bus:
            self.bus.terminate()
            self.bus.wait()
            self.bus.stdout.close()
        if os.environ.get("STIPPLE_KEEP"):
            print("kept: %s" % self.directory, file=sys.stderr)
        else:
            shutil.rmtree(self.directory)
        return left
