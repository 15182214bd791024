#!/usr/bin/env python3
"""run.py PROGRAM NAME TARGETS: runs a fuzzer over its corpus and what once crashed, then lets it look on for a bounded time.

4 seconds, or its part of QUIRE_SOAK_MINUTES. What it finds goes to build/fuzz/found; a crash says how to see it again. The tree is not
changed: fuzz/run.py --keep PROGRAM NAME makes a new corpus, as small as can be, of the old one and what was found.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
ROOT = FUZZ.parent
MAX_BYTES = 4096  # of an input


def run(command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, **more)


def inputs_of(*folders):
    return sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir() if not path.name.startswith("."))


def keep(program, corpus, found):
    with tempfile.TemporaryDirectory() as folder:
        done = run([program, "-set_cover_merge=1", f"-max_len={MAX_BYTES}", folder, corpus, found])
        if done.returncode != 0:
            sys.exit(done.stderr[-2000:])
        shutil.rmtree(corpus)
        shutil.copytree(folder, corpus)
    kept = inputs_of(corpus)
    print(f"{corpus}: {len(kept)} inputs, {sum(path.stat().st_size for path in kept)} bytes")


def fail_with(done, program, name):
    """The input is the last one that libFuzzer wrote, or that it began to run from a file."""
    named = re.findall(r"Test unit written to (\S+)", done.stderr) or re.findall(r"^Running: (.+)$", done.stderr, re.MULTILINE)
    print(done.stdout[-2000:], done.stderr[-6000:])
    sys.exit(f"fuzz/{name}: failed with status {done.returncode}; to see it again:\n  {program} {named[-1] if named else 'FILE'}\n"
             f"once it is repaired, the input belongs in fuzz/regressions/{name}/")


def main():
    keeps = sys.argv[1] == "--keep"
    program, name = sys.argv[2 if keeps else 1], sys.argv[3 if keeps else 2]
    corpus, regressions = FUZZ / "corpus" / name, FUZZ / "regressions" / name
    found = ROOT / "build" / "fuzz" / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    if keeps:
        return keep(program, corpus, found)
    if run([program, "-runs=0"], env={**os.environ, "QUIRE_FUZZ_FAIL": "1"}).returncode == 0:
        sys.exit(f"fuzz/{name}: an expectation that fails does not end it")
    common = [f"-artifact_prefix={found.parent}/{name}-", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]
    soak = float(os.environ.get("QUIRE_SOAK_MINUTES", 0))
    seconds = max(4, int(soak * 60 * 2 / int(sys.argv[3]) / 6))
    look_on = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", found, corpus]
    for arguments in (inputs_of(corpus, regressions), look_on):
        done = run([program, *common, *arguments])
        if done.returncode != 0:
            fail_with(done, program, name)
    print("\n".join(line for line in done.stderr.splitlines() if line.startswith("stat::number_of_exec") or "average_exec" in line))
    return None


if __name__ == "__main__":
    main()
