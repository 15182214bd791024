#!/usr/bin/env python3
"""tidy.py: clang-tidy over the library, the ports, the kernel and what tests the Linux port, on all cores. What was clean is remembered by
the content of the file and of everything it may include, so that only changes cost time.

Most of that time is the headers: sources that are compiled alike are checked as one text, and read them once. A source that does not
compile behind the others, because a name means two things, is checked by itself, and so is each source of a text that is not clean."""
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLEAN = ROOT / "build" / "tidy"
MOST = 15  # sources in one text


def headers_digest():
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for header in sorted(path for folder in ("quire", "ports", "kernel", "tests/linux") for path in (ROOT / folder).rglob("*.hpp")):
        digest.update(header.read_bytes())
    return digest.digest()


def commands_of(build):
    """Each source → the ways in which it is compiled."""
    ways = collections.defaultdict(set)
    database = ROOT / "build" / build / "compile_commands.json"
    for entry in json.loads(database.read_text(encoding="utf-8")) if database.exists() else ():
        words = shlex.split(entry["command"])
        at = words.index("-o")
        ways[pathlib.Path(entry["file"])].add(tuple(words[:at]))
    return ways


def jobs(headers):
    """(build, command, sources) to check together, and the mark that each source gets when it is clean."""
    together, marks = collections.defaultdict(list), {}
    ways = {build: commands_of(build) for build in ("i386", "host")}
    for folder, build in (("quire", "i386"), ("ports/i386", "i386"), ("kernel", "i386"), ("ports/hosted", "host"),
                          ("ports/linux", "host"), ("tests/linux", "host")):
        for source in sorted((ROOT / folder).rglob("*.cpp")):
            text = source.read_bytes()
            marks[source] = CLEAN / hashlib.sha256(headers + str(source).encode() + text).hexdigest()
            if marks[source].exists():
                continue
            alone = source if re.search(rb"^int main\(", text, re.MULTILINE) else None
            for command in ways[build][source] or {None}:
                together[build, command, alone].append(source)
    # Dealt out, as neighbours are who use the same names.
    parts = {key: -(-len(sources) // MOST) for key, sources in together.items()}
    return [(*key[:2], sources[i::parts[key]]) for key, sources in together.items() for i in range(parts[key])], marks


def tidy(source, build, command):
    """What clang-tidy says of the source; nothing if it is clean."""
    done = subprocess.run(["clang-tidy-19", "--quiet", f"--config-file={ROOT}/.clang-tidy", source, "--", *command[1:]], cwd=ROOT / "build" / build,
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout or f"{source}: clang-tidy-19 failed: {done.stderr.strip() or done.returncode}\n"


def obstacle(whole, build, command, sources):
    """The source in which, or in a header of which, the text stops compiling."""
    done = subprocess.run([*command, "-fsyntax-only", whole], cwd=ROOT / "build" / build, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    until_error = done.stderr.partition(": error: ")[0]
    named = [source for source in sources if f"{source}:" in until_error]
    return max(named, key=lambda source: until_error.rindex(f"{source}:"), default=sources[0])


def clean_together(build, command, sources):
    """Those that are clean as one text."""
    sources = list(sources)
    command = [*command, "-w"]  # warnings are the build's
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / "whole.cpp"
        while len(sources) > 1:
            whole.write_bytes(b"\n".join(f'#line 1 "{source}"\n'.encode() + source.read_bytes() for source in sources))
            if not (bad := obstacle(whole, build, command, sources)):
                return [] if tidy(whole, build, command) else sources
            sources.remove(bad)
    return []


def check(job):
    """Each source of a job, and what there is to say of it."""
    build, command, sources = job
    if command is None:
        return {source: f"{source}: the {build} preset does not compile it\n" for source in sources}
    clean = clean_together(build, command, sources)
    return {source: "" if source in clean else tidy(source, build, command) for source in sources}


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    groups, marks = jobs(headers_digest())
    said = collections.defaultdict(set)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(check, groups):
            for source, text in found.items():
                said[source].add(text)
    for source in sorted(said):
        if said[source] == {""}:
            marks[source].touch()
        print("".join(sorted(said[source])), end="")
    return 0 if all(texts == {""} for texts in said.values()) else 1


sys.exit(main())
