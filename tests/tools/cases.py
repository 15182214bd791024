"""What is run on Quire, and what must come out. Each case becomes one ctest test: programs/NAME.

A case is a Case; `expect` is HOST (the same binary, run on this machine's Linux, must print the same and end with the same
status), or a function that looks at the outcome. Inputs are made when the test runs, and are the same each time.
"""
import dataclasses
import gzip
import random
import re
from typing import Callable, Optional

from heap_defects import FOREIGN, MIDDLE, SIZE, TWICE

HOST = "host"


@dataclasses.dataclass
class Outcome:
    status: int
    out: bytes
    err: bytes


@dataclasses.dataclass
class Case:
    name: str
    argv: list                       # argv[0]: "busybox", or a path below build/i386
    expect: object = HOST
    stdin: Callable[[], bytes] = bytes
    options: tuple = ()              # further options of ./run
    fix: Optional[Callable[[bytes], bytes]] = None  # applied to both outputs before they are compared
    seconds: int = 120
    files: dict = dataclasses.field(default_factory=dict)  # guest path: bytes; on the host below the working directory


def status(number):
    return lambda outcome: outcome.status == number


def text_of(seed, lines):
    """Lines of words and numbers."""
    dice = random.Random(seed)
    words = ["frame", "page", "table", "space", "heap", "region", "gap", "fault", "kernel", "quire"]
    return b"".join(f"{dice.choice(words)} {dice.randrange(10 ** 6)} {dice.choice(words)}\n".encode() for _ in range(lines))


def megabytes(seed, count, noise):
    """So many MiB, the last of them noise: compressible, but not too well. What a program prints costs an emulated serial line dear."""
    text = (count - noise) << 20
    return (text_of(seed, text // 18) + b"x" * text)[:text] + random.Random(seed).randbytes(noise << 20)


FIVE = lambda: megabytes(5, 5, 1)
LINES = lambda: text_of(1, 50000)
FEW = lambda: text_of(2, 300)


def busybox(name, *argv, stdin=FEW, **more):
    return Case("busybox-" + name, ["busybox", *argv], stdin=stdin, **more)


CONFORMANCE = [Case(f"{name}-{library}", [f"programs/{name}-{library}", "one", "two words"], options=("--env", "QUIRE_TEST=1"))
               for name in ("start", "memory", "populate", "files", "names", "signals", "floats", "heap") for library in ("glibc", "musl")]
# A program that cuts off the file in which its input travels reads on undisturbed.
CONFORMANCE += [Case("names-stdin", ["programs/names-musl", "stdin"], stdin=lambda: b"hello world, twice")]
# On a 64-bit Linux the "kernel's" addresses belong to the program, so this one judges itself.
CONFORMANCE += [Case(f"pointers-{library}", [f"programs/pointers-{library}"], expect=lambda o: o.status == 0 and o.out.endswith(b"wrong answers: 0\n"))
                for library in ("glibc", "musl")]

# What must kill a program, and by which signal. `list` may be anything's address on a 64-bit Linux, so the numbers stand here.
DEADLY = {"null": 11, "read-null": 11, "jump-null": 11, "kernel-read": 11, "kernel-write": 11, "tables": 11, "list": 11, "bitmap": 11,
          "text": 11, "gap": 11, "stack": 11, "divide": 8, "illegal": 4, "halt": 11, "port": 11, "cli": 11, "interrupt": 11, "segment": 11,
          "abort": 6, "beyond": 7}


def killed(signal):
    def check(outcome):
        reported = signal == 6 or re.search(rb"quire: wild-\w+ \(1\): SIG\w+ at 0x[0-9A-F]{8}: ", outcome.err)
        return outcome.status == 128 + signal and outcome.out == b"about to\n" and reported
    return check


WILD = [Case(f"wild-{what}", [f"programs/wild-{'musl' if i % 2 else 'glibc'}", what], expect=killed(signal)) for i, (what, signal) in enumerate(DEADLY.items())]

# Quire's heap as the programs' malloc, linked statically: what tests/linux/malloc_test.py runs preloaded on Linux. The rest of it needs threads.
def done(outcome):
    return outcome.status == 0 and outcome.out == b"done\n"


def ended(line):
    return lambda outcome: outcome.status == 134 and outcome.out == b"" and outcome.err.decode() == f"quire-malloc: {line}\n"


DEFECTS = {"freed-twice-small": TWICE, "freed-twice-huge": FOREIGN, "middle-large": MIDDLE, "foreign-stack": FOREIGN, "realloc-of-freed": TWICE, "size-of-delete": SIZE}

MALLOC = [Case(f"heap-quire-{library}", [f"programs/heap-quire-{library}"]) for library in ("glibc", "musl")]
MALLOC += [
    # A block that grows to 64 MiB is copied (there is no mremap), and as much as is used may be kept.
    Case("malloc-interface", ["linux/interface"], expect=done, options=("--memory", "256M")),
    Case("malloc-returns", ["linux/returns", "one-thread"], expect=done),
    Case("malloc-returns-musl", ["programs/returns-quire-musl"], expect=done),
    Case("malloc-addresses-run-out", ["linux/limit", "addresses"], expect=done),
    Case("malloc-memory-8M", ["programs/heap-quire-musl"], options=("--memory", "8M")),
]
MALLOC += [Case(f"malloc-model-{seed}", ["linux/model", str(seed), "0", "20000"], expect=done) for seed in (1, 2)]
MALLOC += [Case(f"malloc-defect-{name}", ["linux/defects", name], expect=ended(line)) for name, line in DEFECTS.items()]
MALLOC += [Case(f"malloc-defect-{name}", ["linux/defects", name], expect=lambda o: o.status == 139) for name in ("past-large", "before-large")]

NUMBERS = lambda: b"".join(b"%d\n" % i for i in range(1, 1000001))

REAL = [
    busybox("awk-million", "awk", "{ s += $1 } END { print s }", stdin=NUMBERS, seconds=240),
    busybox("sort-50000", "sort", stdin=LINES, seconds=240),
    busybox("sort-numbers", "sort", "-k2,2n", "-r", stdin=lambda: text_of(3, 10000)),
    busybox("md5sum", "md5sum", stdin=LINES),
    busybox("sha256sum", "sha256sum", stdin=LINES),
    busybox("gzip-5MiB", "gzip", "-c", stdin=FIVE, seconds=300, fix=gzip.decompress),
    # gunzip compares what it got with the checksum; what it prints is compared for the smaller one.
    busybox("gunzip-5MiB", "gunzip", "-t", stdin=lambda: gzip.compress(FIVE(), 6, mtime=0), seconds=300),
    busybox("gunzip-1MiB", "gunzip", "-c", stdin=lambda: gzip.compress(megabytes(4, 1, 0), 6, mtime=0)),
    busybox("sha512sum-file", "sha512sum", "five", files={"five": FIVE}, stdin=bytes),
    # At most a quarter of the memory travels with the archive; the rest of these 2.25 MiB goes over the serial line.
    busybox("md5sum-streamed", "md5sum", stdin=lambda: megabytes(3, 3, 1)[3 << 18:], options=("--memory", "8M")),
    busybox("cat-binary", "cat", stdin=lambda: bytes(range(256)) * 300),
]

APPLETS = [
    busybox("echo", "echo", "-n", "a b", "c", stdin=bytes), busybox("wc", "wc"), busybox("head", "head", "-n", "3"), busybox("tail", "tail", "-n", "5"),
    busybox("tail-bytes", "tail", "-c", "100"), busybox("cut", "cut", "-d", " ", "-f", "2"), busybox("tr", "tr", "a-z", "A-Z"),
    busybox("sed", "sed", "s/page/PAGE/; 3d; /heap/!p"), busybox("grep", "grep", "-n", "-i", "FAULT.*page"), busybox("grep-count", "grep", "-c", "heap"),
    busybox("uniq", "uniq", "-c"), busybox("rev", "rev"), busybox("tac", "tac"), busybox("nl", "nl"), busybox("fold", "fold", "-w", "10"),
    busybox("od", "od", "-c"), busybox("hexdump", "hexdump", "-C"), busybox("xxd", "xxd"), busybox("base64", "base64"), busybox("uuencode", "uuencode", "name"),
    busybox("cksum", "cksum"), busybox("crc32", "crc32"), busybox("sum", "sum"), busybox("sha1sum", "sha1sum"), busybox("sha3sum", "sha3sum"),
    busybox("bzip2", "bzip2", "-c"), busybox("gzip-small", "gzip", "-c", fix=gzip.decompress), busybox("seq", "seq", "1", "3", "30", stdin=bytes),
    busybox("expr", "expr", "6", "*", "7", stdin=bytes), busybox("factor", "factor", "123456789", stdin=bytes), busybox("basename", "basename", "/a/b.c", ".c", stdin=bytes),
    busybox("dirname", "dirname", "/a/b.c", stdin=bytes), busybox("printf", "printf", "%05d|%s|%x\\n", "42", "x", "255", stdin=bytes),
    busybox("true", "true", stdin=bytes), busybox("false", "false", stdin=bytes), busybox("test", "test", "1", "-lt", "2", stdin=bytes),
    busybox("cal", "cal", "2", "2024", stdin=bytes), busybox("dc", "dc", "-e", "2 100 ^ p", stdin=bytes), busybox("bc", "bc", stdin=lambda: b"2^200\nscale=20\n1/7\n"),
    busybox("awk-fields", "awk", "{ n[$1] += $2 } END { for (w in n) print w, n[w] | \"cat\" }", expect=lambda o: b"can't fork" in o.err or o.status != 0),
    busybox("awk-printf", "awk", "NR % 50 == 0 { printf \"%-10s|%8.2f\\n\", $1, $2 / 7 }"), busybox("env", "env", stdin=bytes, fix=lambda b: b""),
    busybox("cmp", "cmp", "a", "b", files={"a": lambda: b"same\n", "b": lambda: b"sane\n"}, stdin=bytes),
    busybox("diff", "diff", "a", "b", files={"a": lambda: b"1\n2\n3\n", "b": lambda: b"1\n3\n4\n"}, stdin=bytes, fix=lambda b: re.sub(rb"\t.*", b"", b)),
    busybox("comm", "comm", "a", "b", files={"a": lambda: b"1\n2\n3\n", "b": lambda: b"1\n3\n4\n"}, stdin=bytes),
    busybox("paste", "paste", "a", "a", files={"a": lambda: b"1\n2\n3\n"}, stdin=bytes), busybox("split", "split", "-l", "100", "-", "/tmp/part"),
    busybox("dd", "dd", "bs=100", "count=7", "skip=2", fix=lambda b: b), busybox("tee", "tee", "/tmp/tee"), busybox("touch", "touch", "/tmp/new", stdin=bytes),
    busybox("ash-arithmetic", "ash", "-c", "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; echo $i", stdin=bytes),
    busybox("tar-list", "tar", "t", stdin=lambda: TAR()), busybox("cpio-list", "cpio", "-t", stdin=lambda: CPIO(), fix=lambda b: b),
    busybox("unknown", "no-such-applet", stdin=bytes), busybox("missing-file", "cat", "/none", stdin=bytes), busybox("strings", "strings"),
    busybox("shuf-order", "sort", "-u"), busybox("expand", "expand", stdin=lambda: b"a\tb\n\tc\n"), busybox("uudecode-bad", "uudecode", stdin=lambda: b"no\n"),
    busybox("pwd", "pwd", stdin=bytes, fix=lambda b: b""), busybox("sleep", "sleep", "0.05", stdin=bytes), busybox("usleep", "usleep", "1000", stdin=bytes),
    busybox("stat-size", "stat", "-c", "%s %F", "a", files={"a": lambda: b"12345"}, stdin=bytes), busybox("readlink-missing", "readlink", "/none", stdin=bytes),
    busybox("du-missing", "du", "/none", stdin=bytes), busybox("find", "find", "a", files={"a/b/c": lambda: b"", "a/d": lambda: b""}, stdin=bytes, fix=lambda b: b"\n".join(sorted(b.split()))),
    busybox("ed", "ed", stdin=lambda: b"a\nhello\n.\n,p\ns/hello/bye/\n,p\nQ\n"), busybox("vi-version", "vi", "-H", stdin=bytes), busybox("cp", "cp", "a", "/tmp/copy", files={"a": lambda: b"12345"}, stdin=bytes),
]


def TAR():
    import io
    import tarfile
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("one", "two/three"):
            info = tarfile.TarInfo(name)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"12345"))
    return out.getvalue()


def CPIO():
    import io
    import cpio
    archive = cpio.Archive()
    archive.add_bytes("one/two", b"12345")
    out = io.BytesIO()
    archive.write(out)
    return out.getvalue()


# However such a program ends, the kernel goes on and its books balance.
HOSTILE = [Case(f"hostile-{seed}", ["programs/hostile-musl", str(seed), "40000"], options=("-v", "--memory", "16M"),
                expect=lambda o: b"audit ok" in o.err and b"panic" not in o.err and o.status in (0, 3, 139)) for seed in range(1, 13)]

MACHINE = [
    Case("memory-8M", ["busybox", "echo", "small"], options=("--memory", "8M")),
    Case("memory-3584M", ["busybox", "echo", "large"], options=("--memory", "3584M")),
    Case("memory-3584M-used", ["programs/heap-musl"], options=("--memory", "3584M")),
    Case("memory-16M-runs-out", ["programs/heap-musl"], options=("--memory", "16M")),
    Case("populate-more-than-there-is", ["programs/populate-musl", "too-much"], options=("--memory", "16M"),
         expect=lambda o: o.out == b"a part: done\nall: Out of memory\na part again: done, shown: 1111111111111111\n"),
    Case("boots-by-grub", ["busybox", "md5sum"], stdin=FEW, options=("--iso",)),
    Case("boots-in-v86", ["busybox", "md5sum"], stdin=FEW, options=("--emulator", "v86")),
    Case("boots-in-v86-status", ["programs/start-musl", "a", "b"], options=("--emulator", "v86", "--env", "QUIRE_TEST=1")),
    Case("slice-1", ["programs/floats-musl"], options=("--slice", "1")),
    Case("slice-1000", ["programs/floats-musl"], options=("--slice", "1000")),
    Case("icount-is-deterministic", ["bench/faults"], expect="twice", options=("--icount",)),
    Case("audit-after-program", ["programs/heap-musl"], expect=lambda o: b"audit ok" in o.err and o.status == 0, options=("-v",)),
]

CASES = {case.name: case for case in CONFORMANCE + WILD + MALLOC + HOSTILE + REAL + APPLETS + MACHINE}
