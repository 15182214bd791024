#!/usr/bin/env python3
"""tidy.py: clang-tidy over the library, the ports, the kernel and what tests the Linux port, on all cores. What was clean is remembered by
the content of the file and of everything it may include, so that only changes cost time."""
import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLEAN = ROOT / "build" / "tidy"


def headers_digest():
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for header in sorted(path for folder in ("quire", "ports", "kernel", "tests/linux") for path in (ROOT / folder).rglob("*.hpp")):
        digest.update(header.read_bytes())
    return digest.digest()


def jobs():
    for folder, build in (("quire", "i386"), ("ports/i386", "i386"), ("kernel", "i386"), ("ports/hosted", "host"),
                          ("ports/linux", "host"), ("tests/linux", "host")):
        for source in sorted((ROOT / folder).rglob("*.cpp")):
            yield source, build


def check(job, headers):
    source, build = job
    mark = CLEAN / hashlib.sha256(headers + str(source).encode() + source.read_bytes()).hexdigest()
    if mark.exists():
        return ""
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", ROOT / "build" / build, source], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        mark.touch()
        return ""
    return done.stdout or f"{source}: clang-tidy-19 failed: {done.stderr.strip() or done.returncode}\n"


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    headers = headers_digest()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [text for text in pool.map(lambda job: check(job, headers), jobs()) if text]
    print("".join(complaints), end="")
    return 1 if complaints else 0


sys.exit(main())
