#!/usr/bin/env python3
"""program_suites.py: the test suites of real programs, as Debian has them, with libquire-malloc.so preloaded.

usage: program_suites.py LIBRARY [--all] [--only REGEX]

CPython's (with PYTHONMALLOC=malloc, so that each object is a malloc) and GLib's, a choice of each in less than a minute; --all is the
whole of both. What fails is run again without the library, and counts only if it works then.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import packages

PYTHON = "/usr/bin/python3.11"
PYTHON_TESTS = pathlib.Path("/usr/lib/python3.11/test")
GLIB_TESTS = pathlib.Path("/usr/share/installed-tests/glib")
NEEDS = [(str(PYTHON_TESTS / "test_list.py"), "libpython3.11-testsuite"), (str(GLIB_TESTS / "hash.test"), "libglib2.0-tests")]

PYTHON_CHOICE = ["test_list", "test_dict", "test_set", "test_json", "test_re", "test_zlib", "test_bz2", "test_bytes", "test_deque", "test_array",
                 "test_memoryview", "test_thread", "test_thread_local_bytes", "test_queue", "test_generators", "test_weakref", "test_struct", "test_sort",
                 "test_heapq", "test_collections", "test_sqlite3", "test_fork1", "test_exceptions", "test_mmap"]
GLIB_CHOICE = ["array-test", "asyncqueue", "atomic", "base64", "bytes", "cache", "checksum", "completion", "cond", "convert", "dataset", "gvariant", "hash",
               "hmac", "list", "mainloop", "mapping", "markup-parse", "mem-overflow", "memchunk", "mutex", "node", "once", "pattern", "private", "queue", "rcbox",
               "rec-mutex", "refstring", "regex", "rwlock", "sequence", "slice-concurrent", "slice-malloc", "slist", "sort", "spawn-multithreaded", "strfuncs",
               "thread", "thread-pool", "tree", "utf8-misc", "utils", "signals", "properties", "object", "threadtests", "buffered-input-stream", "task"]
# Not the allocator's: they need a desktop's session, a network, minutes, or a debugger.
NOT_AT_ALL = re.compile(r"^(test_(gdb|idle|tk|tix|ttk|turtle|ossaudiodev|winreg|asyncio|concurrent_futures|multiprocessing.*|tools|distutils|venv|ensurepip|"
                        r"lib2to3|peg_generator|regrtest|test_embed|embed|dtrace|crypt|faulthandler)|.*_windows.*)$")


def python_suite(everything):
    names = sorted(path.stem for path in PYTHON_TESTS.glob("test_*") if path.suffix == ".py" or path.is_dir()) if everything else PYTHON_CHOICE
    for name in names:
        if (PYTHON_TESTS / f"{name}.py").exists() or (PYTHON_TESTS / name).is_dir():
            yield f"python/{name}", [PYTHON, "-m", "test", "--timeout", "250", name], {"PYTHONMALLOC": "malloc"}


def glib_suite(everything):
    for path in sorted(GLIB_TESTS.glob("*.test")):
        if everything or path.stem in GLIB_CHOICE:
            command = re.search(r"^Exec=(.*)$", path.read_text(), re.M)
            yield f"glib/{path.stem}", shlex.split(command[1]), {}


def run(command, variables, library):
    """Its status, and the last of what it says."""
    variables = {**os.environ, **variables, "HOME": os.environ.get("HOME", "/")}
    if library:
        variables["LD_PRELOAD"] = library
    with tempfile.TemporaryDirectory(prefix="quire-suites-") as folder:
        try:
            done = subprocess.run(command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            return "not done after 300 s", ""
        text = (done.stdout + done.stderr).decode(errors="replace")
        return done.returncode, text


def examine(job, library):
    name, command, variables = job
    began = time.monotonic()
    status, text = run(command, variables, library)
    took = time.monotonic() - began
    if "quire-malloc:" in text:
        return name, took, "\n".join(line for line in text.splitlines() if "quire-malloc:" in line)
    if status == 0:
        return name, took, None
    # Some fail now and then with any malloc: only what works without and fails with, twice, is the library's.
    without, _ = run(command, variables, None)
    if without != 0:
        return name, took, ""
    status, text = run(command, variables, library)
    return name, took, None if status == 0 else f"status {status}; without the library it works\n" + "\n".join(text.splitlines()[-30:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", type=re.compile, default=re.compile(""))
    options = parser.parse_args()
    packages.ensure(NEEDS)
    library = os.path.abspath(options.library)
    jobs = [job for suite in (python_suite, glib_suite) for job in suite(options.all)
            if options.only.search(job[0]) and not NOT_AT_ALL.match(job[0].split("/")[1])]
    counts = {"work": 0, "fail without the library, too": 0, "fail": 0}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, took, trouble in pool.map(lambda job: examine(job, library), jobs):
            outcome = "work" if trouble is None else "fail" if trouble else "fail without the library, too"
            counts[outcome] += 1
            if outcome != "work" or options.all:
                print(f"{name}: {outcome} ({took:.1f} s)", trouble or "", flush=True)
    print(f"{len(jobs)} suites: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["fail"] or counts["work"] < len(jobs) * 0.8 else 0


if __name__ == "__main__":
    sys.exit(main())
