#!/usr/bin/env python3
"""Includes point downwards only: a folder of the library may include itself and those before it, the library nothing above it."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAYERS = ["base", "port", "frames", "paging", "space", "heap", "audit"]
# The heap needs pages, not spaces: it stands on frames' level and knows neither paging nor space.
FORBIDDEN = {"heap": {"frames", "paging", "space", "audit"}}
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.MULTILINE)


def layer_of(path):
    parts = path.split("/")
    return pathlib.Path(parts[1]).stem if len(parts) == 2 else parts[1]


def problems():
    for source in sorted([*ROOT.glob("quire/**/*.[ch]pp"), *ROOT.glob("ports/**/*.[ch]pp")]):
        name = str(source.relative_to(ROOT))
        for include in INCLUDE.findall(source.read_text()):
            if name.startswith("ports/"):
                if include.startswith(("kernel/", "user/", "tests/")):
                    yield f"{name} includes {include}: a port knows the library, not who uses it"
                continue
            if not include.startswith("quire/"):
                if include != "quire_port.hpp":
                    yield f"{name} includes {include}: the library includes nothing above it"
                continue
            here, there = layer_of(name), layer_of(include)
            if LAYERS.index(there) > LAYERS.index(here) or there in FORBIDDEN.get(here, ()):
                yield f"{name} includes {include}: {here} stands below {there}"
        if name.startswith("quire/") and re.search(r"#\s*if.*(__i386__|__x86_64__|ARCH)", source.read_text()):
            yield f"{name}: architecture inside the library"


found = list(problems())
print("\n".join(found))
sys.exit(1 if found else 0)
