#!/usr/bin/env python3
"""Breaks the library in small ways (tests/mutants.py) and shows that a test notices each.

Uses the objects of build/host: a mutant costs one compilation, one link and one run of the test program that should notice; in a
header, compilations of all that includes it, the library's sources TOGETHER at a time, as the unity presets compile them. The tree
itself is never changed. A mutant that survives, or that no longer applies, is an error.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOST = ROOT / "build" / "host"
sys.path.insert(0, str(ROOT / "tests"))
from mutants import MUTANTS  # noqa: E402
SECONDS = 120
TOGETHER = 8  # CMake's UNITY_BUILD_BATCH_SIZE
COMPILER = "the compiler"
FASTER = {"-O2": "-O1", "-g": "-g0"}  # a mutant runs once, and nobody looks at it in a debugger


def commands_of(test):
    """(each source of the test and of the library → its compile command, the link command of the test)."""
    out = subprocess.run(["ninja", "-C", HOST, "-t", "commands", test], capture_output=True, text=True, check=True).stdout
    compiles, link = {}, None
    for line in out.splitlines():
        if found := re.search(r" -c (\S+)$", line.strip()):
            compiles[found[1]] = shlex.split(line)
        elif f"-o {test} " in line:
            link = line.partition(" && cd ")[0]  # without looking for the program's tests
    return compiles, link


def object_of(words):
    return words[words.index("-o") + 1]


def includers(header, compiles):
    """The sources that were compiled with this header."""
    objects = {object_of(words): source for source, words in compiles.items()}
    out = subprocess.run(["ninja", "-C", HOST, "-t", "deps", *objects], capture_output=True, text=True, check=True).stdout
    for entry in out.split("\n\n"):
        name, _, rest = entry.strip().partition(":")
        if name in objects and str(header) in rest.split():
            yield objects[name]


def in_library(source, compiles):
    return "/quire.dir/" in object_of(compiles[source])


def texts_of(sources, compiles, folder):
    """What is to be compiled: (a source whose command serves, the text). The library's sources are texts of several, if there are several."""
    library = [name for name in sources if in_library(name, compiles)]
    for at in range(0, len(library), TOGETHER):
        whole = folder / f"together_{at}.cpp"
        whole.write_text("".join(f'#include "{name}"\n' for name in library[at:at + TOGETHER]), encoding="utf-8")
        yield library[at], str(whole)
    yield from ((name, name) for name in sources if name not in library)


def compile_changed(words, source, text, folder, quiet):
    """Compiles `text` as its `source` is compiled, looking for headers in the folder first."""
    words = [text if word == source else FASTER.get(word, word) for word in words if word != "-Werror"]
    words[words.index("-o") + 1] = str(object_in(folder, source))
    for option in ("-MF", "-MT"):
        words[words.index(option) + 1] = str(object_in(folder, source).with_suffix(".d"))
    return subprocess.run([words[0], "-I", folder, *words[1:], quiet], cwd=HOST, capture_output=True, text=True, check=False)


def object_in(folder, source):
    return folder / (pathlib.Path(source).name + ".o")


def build(mutant, folder):
    """Compiles and links the mutant in the folder; the program's path, or None if clang's analysis of locks refuses it."""
    source = ROOT / mutant.file
    text = source.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        sys.exit(f"mutate: “{mutant.what}” does not apply any more to {mutant.file}: {text.count(mutant.old)} places")
    changed = folder / mutant.file
    changed.parent.mkdir(parents=True)
    changed.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    compiles, link = commands_of("simulation_test" if mutant.test == COMPILER else mutant.test)
    if source.suffix == ".cpp":
        texts = [(str(source), str(changed))]
    else:
        texts = list(texts_of(list(includers(source, compiles)), compiles, folder))
    quiet = "-Werror=thread-safety-analysis" if mutant.test == COMPILER else "-w"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda pair: compile_changed(compiles[pair[0]], *pair, folder, quiet), texts))
    errors = "".join(one.stderr for one in done)
    if mutant.test == COMPILER:
        return None if "thread-safety" in errors else pathlib.Path("/bin/true")
    if not done or any(one.returncode != 0 for one in done):
        sys.exit(f"mutate: “{mutant.what}” does not compile:\n{errors}")
    program = folder / mutant.test
    link = link.replace(f"-o {mutant.test} ", f"-o {program} ")
    for name, _ in texts:
        if in_library(name, compiles):  # what stands before the archive is not taken from it
            link = link.replace(" libquire.a", f" {object_in(folder, name)} libquire.a", 1)
        else:
            link = link.replace(f" {object_of(compiles[name])} ", f" {object_in(folder, name)} ")
    subprocess.run(link + " -Wl,--strip-debug", shell=True, cwd=HOST, check=True, capture_output=True)
    return program


def run(mutant, folder):
    """What noticed the mutant, or None."""
    program = build(mutant, folder)
    if program is None:
        return "clang -Wthread-safety"
    environment = {key: value for key, value in os.environ.items() if key != "QUIRE_SOAK_MINUTES"}
    try:
        done = subprocess.run([program, "--gtest_fail_fast", "--gtest_brief=0"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "a run that does not end"
    if done.returncode == 0:
        return None
    last = re.findall(r"\[  FAILED  \] (\S+) \(", done.stdout)[:1] or re.findall(r"\[ RUN      \] (\S+)", done.stdout)
    defect = re.search(r"defect: (I\d+)", done.stderr)
    return (last[-1] if last else "?") + (f" ({defect[1]})" if defect and done.returncode < 0 else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="only each n-th mutant")
    parser.add_argument("--only", default="", help="only mutants whose description or file contains this")
    parser.add_argument("--table", action="store_true", help="print a Markdown table, as in docs/testing.md")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS[::arguments.every] if arguments.only in mutant.what + " " + mutant.file]
    survivors = 0
    for mutant in chosen:
        with tempfile.TemporaryDirectory() as name:
            noticed = run(mutant, pathlib.Path(name))
        survivors += noticed is None
        if arguments.table:
            print(f"| {mutant.what} | `{mutant.file.removeprefix('quire/')}` | `{noticed or 'SURVIVES'}` |", flush=True)
        else:
            print(f"{mutant.file}: {mutant.what}: {noticed or 'SURVIVES'}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survivors", file=sys.stderr)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
