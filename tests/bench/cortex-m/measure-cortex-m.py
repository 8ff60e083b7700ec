#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The pen's encoder on Cortex-M4 and M0+: instructions, size, RAM and stack, bit-exact with this machine's.

Usage: measure-cortex-m.py PATH_OF_cortex-m-host SOURCE_ROOT
cortex-m-pen.c says how the instructions are counted.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CC, SIZE, QEMU = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
ENCODER = ["telemetry/telemetry-encode.c", "telemetry/telemetry-encode-plain.c", "telemetry/telemetry-trial.c",
           "base/crc32c.c"]
# The processor, and the board of qemu's that has it, or for the M0+ one with its instruction set.
MACHINES = [("cortex-m4", ["-mcpu=cortex-m4"], "netduinoplus2"),
            ("cortex-m0plus", ["-mcpu=cortex-m0plus"], "microbit")]
PROFILES = ["white", "quiet"]
BLOCK = 1024
EAGER_BLOCKS = 2    # in which the encoder tries its predictors without a pause


def run(*command, cwd):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def build(root, folder, flags):
    objects = []
    common = ["-std=c11", "-mthumb", "-ffreestanding", "-ffunction-sections", "-fdata-sections",
              "-Wall", "-Wextra", "-Werror", "-I", root / "libprotocol/include", *flags]
    for source in [root / "libprotocol" / name for name in ENCODER] + [HERE / "cortex-m-pen.c"]:
        objects.append(f"{source.stem}.o")
        run(CC, *common, "-c", source, "-o", objects[-1], cwd=folder)
    run(CC, *flags, "-mthumb", "-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections",
        "-T", HERE / "cortex-m.ld", HERE / "cortex-m-start.S", *objects, "-o", "pen.elf", cwd=folder)
    sizes = run(SIZE, *objects[:len(ENCODER)], cwd=folder).splitlines()[1:]
    return [int(line.split()[0]) for line in sizes]


def emulate(machine, folder):
    said = run(QEMU, "-M", machine, "-icount", "shift=0", "-nographic", "-monitor", "none",
               "-serial", "none", "-chardev", "stdio,id=said",
               "-semihosting-config", "enable=on,target=native,chardev=said",
               "-kernel", "pen.elf", cwd=folder)
    facts = {}
    for line in said.splitlines():
        name, number = line.split()
        facts.setdefault(name, []).append(int(number))
    return facts


def instructions_per_tick(facts):
    steps, (once, twice, thrice) = facts["steps"][0], facts["loop"]
    per_tick = 2 * 2 * steps / (thrice - once)
    if abs((twice - once) * per_tick / (2 * steps) - 1) > 1e-3:
        sys.exit(f"qemu's timer does not follow the instructions: {facts['loop']}")
    return per_tick


def measure(root, host, profile, machine, optimise, folder):
    name, flags, board = machine
    run(host, profile, cwd=folder)
    sizes = build(root, folder, [*flags, optimise])
    facts = emulate(board, folder)
    if (folder / "pen.bin").read_bytes() != (folder / "host.bin").read_bytes():
        sys.exit(f"{name} {optimise}, {profile}: the pen wrote other bytes than this machine")
    each = [ticks * instructions_per_tick(facts) / BLOCK for ticks in facts["block"]]
    print(f"{name:<14}{optimise:<5}{profile:<11}{sum(each) / len(each):7.1f}{min(each):9.1f}"
          f"{sum(each[:EAGER_BLOCKS]) / EAGER_BLOCKS:9.1f}{sum(sizes[:-1]):8}{sizes[-1]:6}"
          f"{facts['state'][0]:7}{facts['stack'][0]:7}", flush=True)


def main():
    lacking = [tool for tool in (CC, SIZE, QEMU) if not shutil.which(tool)]
    if lacking:
        print("*" * 72 + f"\nskipped: the pen's encoder on Cortex-M: {', '.join(lacking)} not found\n"
              + "*" * 72)
        sys.exit(77)
    host, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    print("the pen's encoder, sample by sample, 180,224 of them (30 minutes), chained blocks of 1,024:\n"
          "byte for byte what this machine writes. Instructions per sample from begin to finish with the\n"
          "checksum; on average, in the best block, and in the first two, which try all predictors\n"
          "                               instructions/sample        bytes of   CRC    RAM: state\n"
          "                            average     best    first     code  code+table   stack")
    for machine in MACHINES:
        for optimise in ("-O2", "-Os"):
            for profile in PROFILES:
                with tempfile.TemporaryDirectory() as folder:
                    measure(root, host, profile, machine, optimise, Path(folder))


if __name__ == "__main__":
    main()
