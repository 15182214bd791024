#!/usr/bin/env python3
"""kernel_tests.py cases | panic NAME | --list-panics: the test cases inside the kernel (tests/kernel), run in QEMU.

A case whose name begins with panic_ ends the kernel; it is right if the panic it announced is the one that came.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def boot(pattern):
    # --icount: the guest's time is what it executes, so that a busy machine makes no tick late.
    done = subprocess.run([ROOT / "run", "--no-build", "-v", "--icount", "--timeout", "100", "--test", pattern], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=130, check=False)
    return done.returncode, done.stderr


def panics():
    """Names in the sources; the kernel itself is asked only when it is built."""
    names = set()
    for source in (ROOT / "tests" / "kernel").glob("*.cpp"):
        names.update(re.findall(r'"(panic_\w+)"', source.read_text()))
    return sorted(names)


def check_panic(name):
    status, log = boot(name)
    announced = re.search(rf"quire: test {name} panics: (.*)", log)
    came = re.search(r"quire: panic: (.*)", log)
    if status == 70 and announced and came and came[1].startswith(announced[1].rstrip("\r")):
        return 0
    print(log)
    return 1


def main():
    if sys.argv[1] == "--list-panics":
        print("\n".join(panics()))
        return 0
    if sys.argv[1] == "panic":
        return check_panic(sys.argv[2])
    status, log = boot("")
    print(log)
    return 0 if status == 0 and re.search(r"tests [1-9]\d* passed, 0 failed", log) else 1


if __name__ == "__main__":
    sys.exit(main())
