"""The options that all commands of this folder share, and how they end."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import paths
import allocators
import build
import packages
import plots


class Wrong(Exception):
    """A measurement that went wrong; the text is one line."""


def parser(description, epilog=None):
    made = argparse.ArgumentParser(description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("others", nargs="*", metavar="FILE.so", help="another allocator to measure, as a peer")
    made.add_argument("--subject", metavar="FILE.so", default=str(paths.SUBJECT),
                      help="the allocator under test, which is compared with the best of the others "
                           "(default: build/host/libquire-malloc.so, if it is there)")
    made.add_argument("--allocators", metavar="REGEX", type=pattern, help="only allocators whose names match")
    made.add_argument("--markdown", metavar="FILE", type=pathlib.Path, help="write the tables to FILE too")
    return made


def add_rounds(made, rounds):
    made.add_argument("--only", metavar="REGEX", type=pattern, default="", help="only those whose names match")
    made.add_argument("--rounds", metavar="N", type=positive, default=rounds, help=f"how often, of which the median counts (default: {rounds})")
    made.add_argument("--least", action="store_true", help="the least of the rounds counts, not the median: if others use the machine")
    made.add_argument("--quick", action="store_true", help="one round of a fifth of the work: to see that it runs")
    made.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write every single figure to FILE")
    made.add_argument("--plots", metavar="DIR", type=pathlib.Path, help="write plots as SVG and PNG to DIR")


def pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"not a regular expression: {error}") from error


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def positive_list(text):
    return [positive(part) for part in text.split(",")]


def write(given, result, text, plots_name):
    """To the terminal and where it was asked for; a subject that failed is a failure of the command."""
    print(text, end="")
    if given.markdown:
        given.markdown.write_text(text)
    if given.json:
        given.json.write_text(json.dumps(result.as_json(), indent=1))
    if given.plots and plots_name:
        plots.draw(result, given.plots, plots_name)
    broken = [row.name for row in result.rows for allocator in result.allocators if allocator.subject and result.failed(row, allocator)]
    if broken:
        raise Wrong(f"the subject failed: {', '.join(broken)}")


def main(run):
    """Runs a command; what it can foresee to go wrong is one line."""
    try:
        run()
    except (Wrong, allocators.Unusable, build.Failed, packages.Missing, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
