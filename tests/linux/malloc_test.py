#!/usr/bin/env python3
"""libquire-malloc.so under the programs of tests/linux/programs: what they do right works, what they do wrong ends them.

usage: malloc_test.py BUILD [-m32] [unittest arguments]      BUILD: the folder of the library; -m32: its i386 part, under qemu-i386 if need be
"""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "tools")]
import packages
from heap_defects import FOREIGN, MIDDLE, SIZE, TWICE

FOLDER = pathlib.Path()
EMULATOR = []


def may_lock():
    """Whether this process may lock as much memory as it likes."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    capabilities = re.search(r"CapEff:\s*(\w+)", pathlib.Path("/proc/self/status").read_text())
    lock_memory = 14  # CAP_IPC_LOCK
    return limit == resource.RLIM_INFINITY or int(capabilities[1], 16) >> lock_memory & 1 == 1


class Case(unittest.TestCase):
    """A program runs preloaded, whatever it is linked with."""

    def start(self, command, seconds=120, limit=None):
        library = str(FOLDER / "libquire-malloc.so")
        environment = dict(os.environ)
        if EMULATOR:
            command = [*EMULATOR, "-E", f"LD_PRELOAD={library}", *command]
        else:
            environment["LD_PRELOAD"] = library
        prepare = None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False, preexec_fn=prepare)
        done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("qemu:"))
        return done

    def program(self, name, *words, seconds=120):
        return self.start([str(FOLDER / "linux" / name), *words], seconds)

    def works(self, name, *words, seconds=120):
        with self.subTest(case=" ".join(words)):
            done = self.program(name, *words, seconds=seconds)
            self.assertEqual((done.returncode, done.stdout), (0, "done\n"), done)


class Interface(Case):
    def test_c(self):
        for case in ("sizes", "too-large", "longer-than-what-lies-behind", "zeroes", "reallocation", "alignment", "error-number", "sized-free", "sized-free-after-realloc", "sized-free-of-borrowed", "trim"):
            self.works("interface", case)

    def test_cpp(self):
        for case in ("news", "news-without-memory"):
            self.works("interface", case)


class Defects(Case):
    """One line that says what is wrong, and SIGABRT; a guard page cannot say anything."""

    def ends(self, line, *cases):
        for case in cases:
            with self.subTest(case=case):
                done = self.program("defects", case)
                self.assertEqual((done.returncode, done.stdout), (-signal.SIGABRT, ""), done)
                self.assertRegex(done.stderr, f"^quire-malloc: (?:{line})\n$")

    def test_freed_twice(self):
        self.ends(TWICE, "freed-twice-small", "freed-twice-middle", "usable-size-of-freed", "realloc-of-freed")
        # Its pages are nobody's by then.
        self.ends(f"{TWICE}|{FOREIGN}", "freed-twice-large", "freed-twice-huge")

    def test_pointers(self):
        self.ends(MIDDLE, "middle-small", "middle-large", "misaligned")
        # Of a large block the first pages are known.
        self.ends(f"{MIDDLE}|{FOREIGN}", "middle-huge")
        self.ends(FOREIGN, "foreign-stack", "foreign-static", "foreign-nowhere", "realloc-of-foreign")
        if not EMULATOR:
            self.ends(FOREIGN, "foreign-top")
        self.ends(f"{MIDDLE}|the heap was given a block that it never handed out|{TWICE}", "never-taken")

    def test_sizes(self):
        self.ends(SIZE, "size-of-free", "size-of-delete", "size-of-large-delete", "alignment-of-delete")

    def test_guard_pages(self):
        for case in ("past-large", "before-large"):
            with self.subTest(case=case):
                done = self.program("defects", case)
                self.assertEqual(done.returncode, -signal.SIGSEGV, done)


class Fork(Case):
    def test_fork(self):
        # Forks of processes with threads are beyond the emulator (qemu_plugin_vcpu_init_hook fails in the child).
        for case in ("handlers-allocate",) if EMULATOR else ("others-allocate", "all-fork", "handlers-allocate", "spawn"):
            self.works("fork", case)


class Threads(Case):
    def test_threads(self):
        for case in ("short-lives", "many-at-once", "storm", "first-calls", "ends-of-threads"):
            self.works("threads", case)


class Limit(Case):
    def test_program(self):
        for case in ("every-size", "addresses", "what-is-kept", "exceptions", "no-heap-for-a-thread"):
            self.works("limit", case)

    def test_python(self):
        text = """
kept = []
try:
    while True:
        kept.append([len(kept)] * 1000)
except MemoryError:
    kept.clear()
    print("MemoryError")
print(sum(len(text) for text in [str(i) for i in range(100000)]))
try:
    bytearray(10 ** 9)
except MemoryError:
    print("MemoryError")
"""
        for variables in ({}, {"PYTHONMALLOC": "malloc"}):
            with self.subTest(variables):
                os.environ.update(variables)
                done = self.start(["/usr/bin/python3", "-c", text], limit=300000 * 1024)
                self.assertEqual((done.returncode, done.stdout), (0, "MemoryError\n488890\nMemoryError\n"), done)


class Returns(Case):
    def test_memory_returns(self):
        for case in ("one-thread", "four-threads"):
            self.works("returns", case)

    def test_what_another_thread_frees(self):
        done = self.program("returns", "freed-by-another")
        before, after = map(int, re.search(r"resident: (\d+) KiB, .* after (\d+)", done.stderr).groups())
        # The slabs that the owners, which sleep, are filling stay with them: one of each of 33 sizes, 64 KiB each, with four
        # threads. While so much is used, as much may be kept.
        self.assertLess(after, before + 20 * 1024)


class Model(Case):
    def test_model(self):
        calls = "5000" if EMULATOR else "50000"
        for seed in range(1, 4):
            self.works("model", str(seed), "1", calls)
            self.works("model", str(seed), "4", calls)

    def test_guards(self):
        self.works("guards", "200" if EMULATOR else "1500")
        if not EMULATOR and may_lock():
            self.works("guards", "600", "locked")


class Shifting(Case):
    def test_shifting(self):
        seconds = max(3, int(float(os.environ.get("QUIRE_SOAK_MINUTES", 0)) * 60 / 14 / 2))
        for threads in ("1", "4"):
            self.works("shifting", str(seconds), threads, "32", seconds=seconds + 120)


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv.pop(1)).resolve()
    if sys.argv[1:2] == ["-m32"]:
        del sys.argv[1]
        FOLDER = FOLDER / "i386"
        EMULATOR = [] if packages.runs_i386() else ["qemu-i386"]
    unittest.main()
