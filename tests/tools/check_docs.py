#!/usr/bin/env python3
"""What the documents say is there is there: tests by their names, files and folders, links, the list of mutants; and each gotcha has an answer."""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "tools")]
import cases    # noqa: E402
import mutants  # noqa: E402

GOTCHAS = 78
UNIT = {".".join(names) for source in ROOT.glob("tests/unit/**/*.cpp")
        for names in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE)}
KERNEL = {name for source in ROOT.glob("tests/kernel/*.cpp") for name in re.findall(r'"(\w+)"', source.read_text())}
PROGRAMS = set(cases.CASES)
MUTANTS = {mutant.what for mutant in mutants.MUTANTS}
FOLDERS = ("bench", "docs", "examples", "fuzz", "kernel", "ports", "quire", "tests", "tools", "user")


def there(name, names):
    return bool(fnmatch.filter(names, name))


def names_after(text, kind):
    """`a`, `b` and `c` after "kernel case" or the like."""
    for names in re.findall(kind + r"s? ((?:`[^`]+`(?:, | and )?)+)", text):
        yield from re.findall(r"`([^`/]+)`", names)


def problems_in(name, text):
    for test in re.findall(r"`([A-Z]\w+\.[A-Z][\w*]+)(?: \(I\d+\))?`", text):
        if not there(test, UNIT):
            yield f"{name}: there is no test {test}"
    for case in names_after(text, "kernel case"):
        if not there(case, KERNEL):
            yield f"{name}: there is no kernel case {case}"
    for case in [*names_after(text, "program case"), *re.findall(r"`programs/([\w*-]+)`", text)]:
        if not there(case, PROGRAMS):
            yield f"{name}: there is no program case {case}"
    for what in re.findall("“([^”]+)”", " ".join(re.findall(r"mutants? ((?:“[^”]+”(?:, | and )?)+)", text))):
        if what not in MUTANTS:
            yield f"{name}: there is no mutant “{what}”"
    for path in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]+)`", text):
        if "NAME" not in path and not any((ROOT / "tests").glob(path) if path.startswith("programs/") else ROOT.glob(path.rstrip("/"))):
            yield f"{name}: there is no {path}"
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not (ROOT / name).parent.joinpath(link).exists():
            yield f"{name}: the link to {link} leads nowhere"


def problems():
    for document in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]):
        yield from problems_in(str(document.relative_to(ROOT)), document.read_text())
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs" / "gotchas.md").read_text(), re.MULTILINE)
    if [int(row[0]) for row in rows] != list(range(1, GOTCHAS + 1)):
        yield f"docs/gotchas.md: not the numbers 1 to {GOTCHAS}, each once, in order"
    table = (ROOT / "docs" / "testing.md").read_text().partition("### Mutants")[2]
    listed = re.findall(r"^\| ([^|]+) \| `\w+/", table, re.MULTILINE)
    if listed != [mutant.what for mutant in mutants.MUTANTS]:
        yield "docs/testing.md: not the list of mutants; tools/mutate.py --table makes it"


found = list(problems())
print("\n".join(found))
sys.exit(1 if found else 0)
