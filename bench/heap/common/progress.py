"""One line on standard error that tells how far it is, if somebody is looking."""
import sys


def show(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def done():
    show("")
