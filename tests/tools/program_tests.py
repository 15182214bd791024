#!/usr/bin/env python3
"""program_tests.py NAME: runs one case of cases.py; --list names them all."""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "tools")]

import packages  # noqa: E402  (the path is set above)
from cases import CASES, HOST, Outcome  # noqa: E402

ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "LANG": "C", "TERM": "dumb", "QUIRE_TEST": "1"}


def program_of(case):
    if case.argv[0] == "busybox":
        return subprocess.run([ROOT / "tools" / "fetch_i386.py", "busybox"], check=True, capture_output=True, text=True).stdout.strip()
    return str(ROOT / "build" / "i386" / case.argv[0])


def run_on_quire(case, program, folder, data):
    options = list(case.options)
    for name in case.files:
        options += ["--file", f"{folder / name}:{name}"]
    done = subprocess.run([ROOT / "run", "--no-build", "--timeout", str(case.seconds), *options, "--", program, *case.argv[1:]],
                          input=data, capture_output=True, timeout=case.seconds + 30, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def host_command(program):
    """This machine's Linux, if its kernel runs 32-bit programs; else QEMU's emulation of Linux, which packages.ensure has installed."""
    return [program] if packages.runs_i386() else ["qemu-i386", program]


def recorded(case):
    """For the few cases in which QEMU's emulation of Linux is not true to it: what Quire printed when Linux, run beside it, printed the same."""
    return ROOT / "tests" / "programs" / "expected" / f"{case.name}.txt"


def run_on_host(case, program, folder, data):
    if recorded(case).exists() and not packages.runs_i386():
        return Outcome(0, recorded(case).read_bytes(), b"")
    done = subprocess.run([*host_command(program), *case.argv[1:]], input=data, capture_output=True, cwd=folder, env=ENVIRONMENT, timeout=case.seconds, check=False)
    return Outcome(done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stdout, done.stderr)


def describe(what, outcome):
    shown = outcome.out if len(outcome.out) <= 2000 else outcome.out[:2000] + b"..."
    return f"--- {what}: status {outcome.status}, {len(outcome.out)} bytes\n{shown.decode(errors='replace')}\n{outcome.err.decode(errors='replace')[-3000:]}"


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return 0
    case = CASES[sys.argv[1]]
    program = program_of(case)
    data = case.stdin()
    with tempfile.TemporaryDirectory(prefix="quire-case-") as name:
        folder = pathlib.Path(name)
        for path, make in case.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(make())
        quire = run_on_quire(case, program, folder, data)
        if callable(case.expect):
            if case.expect(quire):
                return 0
            print(describe("Quire", quire))
            return 1
        other = run_on_host(case, program, folder, data) if case.expect == HOST else run_on_quire(case, program, folder, data)
    fix = case.fix or (lambda output: output)
    if quire.status == other.status and fix(quire.out) == fix(other.out):
        return 0
    print(describe("Quire", quire), describe("expected", other), sep="\n")
    return 1


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    sys.exit(main())
