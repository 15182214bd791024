#!/usr/bin/env python3
"""Line and branch coverage of quire/ by the tests of the asan preset: every line runs, or tests/coverage-reasons.txt says why it does not.

A reason is a line `file: text of the line: reason`; it counts for every line of that file that contains the text. One that is no
longer needed is an error too, unless it begins with "at times".
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "asan"
TESTS = BUILD / "all_tests"
REASONS = ROOT / "tests" / "coverage-reasons.txt"


def merged():
    """What all the tests counted, as one profile."""
    profile = BUILD / "all.profdata"
    subprocess.run(["llvm-profdata-19", "merge", "-o", profile, *(BUILD / "profiles").glob("*.profraw")], check=True)
    return profile


def summary(profile):
    command = ["llvm-cov-19", "export", "-format=text", "-skip-expansions", "-skip-functions", TESTS, f"-instr-profile={profile}",
               "-sources", ROOT / "quire"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["data"][0]


def uncovered_lines(profile, source):
    """(number, text) of the lines of a file that no test reached."""
    command = ["llvm-cov-19", "show", TESTS, f"-instr-profile={profile}", "-show-line-counts", "-show-instantiations=false", "-sources", source]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        number, _, rest = line.partition("|")
        count, _, text = rest.partition("|")
        if number.strip().isdigit() and count.strip() == "0":
            yield int(number), text


def read_reasons():
    reasons = {}
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            source, text, reason = (part.strip() for part in line.split(": ", 2))
            reasons[source, text] = reason
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", action="store_true", help="the tests have run already, as ctest sees to")
    arguments = parser.parse_args()
    if not arguments.judge:
        for command in (["cmake", "--preset", "asan"], ["cmake", "--build", "--preset", "asan"]):
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        os.execvp("ctest", ["ctest", "--test-dir", BUILD, f"-j{os.cpu_count()}", "-V", "-R", "^checks/coverage$"])
    profile = merged()
    data = summary(profile)
    reasons, used, bad = read_reasons(), set(), []
    for entry in data["files"]:
        name = str(pathlib.Path(entry["filename"]).relative_to(ROOT))
        lines, branches = entry["summary"]["lines"], entry["summary"]["branches"]
        print(f"{name:38} lines {lines['covered']:4} of {lines['count']:4}   branches {branches['covered']:3} of {branches['count']:3}")
        if lines["covered"] == lines["count"]:
            continue
        for number, text in uncovered_lines(profile, entry["filename"]):
            found = next((key for key in reasons if key[0] == name and key[1] in text), None)
            if found:
                used.add(found)
            else:
                bad.append(f"{name}:{number}: no test runs this, and there is no reason: {text.strip()}")
    # A soak goes where tests of a few seconds do not.
    if "QUIRE_SOAK_MINUTES" not in os.environ:
        bad += [f"{REASONS.name}: not needed any more: {source}: {text}" for source, text in reasons.keys() - used
                if not reasons[source, text].startswith("at times")]
    totals = data["totals"]
    print(f"lines {totals['lines']['percent']:.2f} %, branches {totals['branches']['percent']:.2f} %, {len(used)} reasons")
    sys.exit("\n".join(bad) if bad else 0)


if __name__ == "__main__":
    main()
