"""Builds the C++ programs of this folder into build/bench-heap/: what has changed, on all cores."""
import concurrent.futures
import os
import subprocess

import paths

# The compiler must not take away pairs of malloc and free.
FLAGS = ["-std=c++23", "-O2", "-g1", "-Wall", "-Wextra", "-Werror", "-pthread", "-fno-builtin", "-fno-allocation-dce"]


class Failed(Exception):
    """Something could not be built; the text says what."""


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"cannot build: {' '.join(map(str, command))}\n{done.stderr.strip()}")


def newest(files):
    return max((file.stat().st_mtime for file in files), default=0)


def compile_one(source, output, flags, since):
    if not output.exists() or output.stat().st_mtime < max(since, source.stat().st_mtime):
        output.parent.mkdir(parents=True, exist_ok=True)
        run(["g++", *FLAGS, *flags, "-c", source, "-o", output])
    return output


def program(name, sources, flags=(), link=()):
    """The path of a program made of these sources."""
    since = max(newest(paths.HERE.glob("*/*.hpp")), os.path.getmtime(__file__))
    jobs = [(source, paths.BUILD / name / (source.stem + ".o"), list(flags), since) for source in sources]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda job: compile_one(*job), jobs))
    output = paths.BUILD / "bin" / name
    if not output.exists() or output.stat().st_mtime < newest(objects):
        output.parent.mkdir(parents=True, exist_ok=True)
        run(["g++", *FLAGS, *link, *objects, "-o", output])
    return output


def workloads():
    sources = sorted((paths.HERE / "workloads").glob("*.cpp"))
    program("workloads-worst", sources, ["-DWORST"])
    probe("tiny")
    return program("workloads", [source for source in sources if source.stem != "worst"])


def probe(name, link=("-Wl,--as-needed",)):
    """A program of one file; without the C++ library if it does not need it."""
    return program(name, [paths.HERE / "probes" / f"{name}.cpp"], ["-I", paths.HERE / "workloads"], link)
