"""The allocators: glibc's, those of Debian's packages, and any other shared object; each is a value of LD_PRELOAD."""
import collections
import pathlib
import re
import subprocess
import sys

import paths
import packages

LIB = "/usr/lib/x86_64-linux-gnu/"
PEERS = [("mimalloc", LIB + "libmimalloc.so.2.0"), ("jemalloc", LIB + "libjemalloc.so.2"),
         ("tcmalloc", LIB + "libtcmalloc_minimal.so.4"), ("tbbmalloc", LIB + "libtbbmalloc_proxy.so.2")]
OWN_PACKAGES = ["libmimalloc2.0", "libjemalloc2", "libtcmalloc-minimal4", "libtbbmalloc2"]

Allocator = collections.namedtuple("Allocator", "name preload subject")


class Unusable(Exception):
    """An allocator that cannot be measured; the text is one line."""


def of_file(file):
    """libquire-malloc.so.1 is called quire-malloc."""
    return re.sub(r"^lib|\.so(\.[0-9.]*)?$", "", pathlib.Path(file).name)


def check(allocator):
    done = subprocess.run(["/bin/true"], env={"LD_PRELOAD": allocator.preload}, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
        raise Unusable(f"{allocator.preload} cannot be preloaded: {reason}")


def find(options):
    """The peers, the subject if it is there, and what was named on the command line; the subject last."""
    packages.ensure([(file, package) for (_, file), package in zip(PEERS, OWN_PACKAGES)])
    found = [Allocator("glibc", "", False)] + [Allocator(name, file, False) for name, file in PEERS]
    subject = pathlib.Path(options.subject).resolve()
    for file in dict.fromkeys(pathlib.Path(other).resolve() for other in options.others):
        if file != subject:
            found.append(Allocator(of_file(file), str(file), False))
    if subject.exists():
        found.append(Allocator(of_file(subject), str(subject), True))
    elif options.subject != str(paths.SUBJECT):
        raise Unusable(f"no such file: {options.subject}")
    else:
        print(f"no {paths.SUBJECT.relative_to(paths.ROOT)}: only the peers are measured", file=sys.stderr)
    if options.allocators:
        found = [allocator for allocator in found if re.search(options.allocators, allocator.name)]
    if not found:
        raise Unusable(f"no allocator matches {options.allocators.pattern}")
    names = [allocator.name for allocator in found]
    for allocator in found:
        if names.count(allocator.name) > 1:
            raise Unusable(f"two allocators are called {allocator.name}")
        check(allocator)
    return found
