#!/usr/bin/env python3
"""run.py PROGRAM NAME TARGETS: runs a fuzzer over its corpus and what once crashed, then lets it look on for a bounded time.

8 seconds, or its part of QUIRE_SOAK_MINUTES. What it finds goes to build/fuzz/found; a crash says how to see it again. The tree is not
changed: fuzz/run.py --keep PROGRAM NAME merges what was found into the corpus.
"""
import os
import pathlib
import subprocess
import sys

FUZZ = pathlib.Path(__file__).resolve().parent
ROOT = FUZZ.parent


def main():
    keep = sys.argv[1] == "--keep"
    program, name = sys.argv[2 if keep else 1], sys.argv[3 if keep else 2]
    corpus, regressions = FUZZ / "corpus" / name, FUZZ / "regressions" / name
    found = ROOT / "build" / "fuzz" / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    if keep:
        sys.exit(subprocess.run([program, "-set_cover_merge=1", "-max_len=4096", corpus, found], check=False).returncode)
    inputs = sorted(path for folder in (corpus, regressions) if folder.exists() for path in folder.iterdir())
    common = [f"-artifact_prefix={found.parent}/{name}-", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-close_fd_mask=0"]
    soak = float(os.environ.get("QUIRE_SOAK_MINUTES", 0))
    seconds = max(8, int(soak * 60 * 2 / int(sys.argv[3]) / 6))
    for command in ([program, *common, *inputs], [program, *common, f"-max_total_time={seconds}", "-max_len=4096", found, corpus]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            print(done.stdout[-2000:], done.stderr[-6000:])
            sys.exit(f"fuzz/{name}: failed; to see it again: {program} FILE, with the file that is named above")
    print("\n".join(line for line in done.stderr.splitlines() if line.startswith("stat::number_of_exec") or "average_exec" in line))


if __name__ == "__main__":
    main()
