"""The order in which everything is run."""
import subprocess

import options
import progress
import tables
from figures import Figures


def measure(rows, found, given, run_one):
    """Every round runs every row with every allocator in turn, each round beginning with another one. `run_one(row, allocator)` gives
    a checksum, which must be the same with every allocator, and the figures. One that fails has no part in the row any more."""
    result, sums = Figures(found, given.least), {}
    for turn in range(given.rounds):
        for row in rows:
            for place in range(len(found)):
                allocator = found[(turn + place) % len(found)]
                if result.failed(row, allocator):
                    continue
                progress.show(f"round {turn + 1} of {given.rounds}: {tables.label(row)}, {allocator.name}")
                try:
                    checksum, run = run_one(row, allocator)
                    if sums.setdefault(row, checksum) != checksum:
                        raise options.Wrong("not the checksum of the others")
                    result.add(row, allocator, run)
                except (options.Wrong, subprocess.SubprocessError) as error:
                    result.fail(row, allocator, str(error))
    progress.done()
    return result


def parse(text):
    """name=value pairs, numbers as numbers."""
    pairs = dict(pair.split("=") for pair in text.split())
    return {key: float(value) if value.replace(".", "", 1).isdigit() else value for key, value in pairs.items()}
