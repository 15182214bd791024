"""The options that all commands of this folder share, and how they end."""
import argparse
import pathlib
import subprocess
import sys

import paths
import allocators
import build
import packages


class Wrong(Exception):
    """A measurement that went wrong; the text is one line."""


def parser(description, epilog=None):
    made = argparse.ArgumentParser(description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("others", nargs="*", metavar="FILE.so", help="another allocator to measure, as a peer")
    made.add_argument("--subject", metavar="FILE.so", default=str(paths.SUBJECT),
                      help="the allocator under test, which is compared with the best of the others "
                           "(default: build/host/libquire-malloc.so, if it is there)")
    made.add_argument("--allocators", metavar="REGEX", help="only allocators whose names match")
    made.add_argument("--markdown", metavar="FILE", type=pathlib.Path, help="write the tables to FILE too")
    return made


def add_rounds(made, rounds):
    made.add_argument("--only", metavar="REGEX", default="", help="only those whose names match")
    made.add_argument("--rounds", metavar="N", type=positive, default=rounds, help=f"how often, of which the median counts (default: {rounds})")
    made.add_argument("--least", action="store_true", help="the least of the rounds counts, not the median: if others use the machine")
    made.add_argument("--quick", action="store_true", help="one round of a fifth of the work: to see that it runs")
    made.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write every single figure to FILE")
    made.add_argument("--plots", metavar="DIR", type=pathlib.Path, help="write plots as SVG and PNG to DIR")


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def positive_list(text):
    return [positive(part) for part in text.split(",")]


def main(run):
    """Runs a command; what it can foresee to go wrong is one line."""
    try:
        run()
    except (Wrong, allocators.Unusable, build.Failed, packages.Missing, OSError) as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: too slow, ended: {error.cmd}")
    except KeyboardInterrupt:
        sys.exit(130)
