#!/usr/bin/env python3
"""symbols.py IMAGE OUT.S: the functions of a kernel image as a table in assembler, for its backtraces.

kernel/console/symbols.cpp reads it: quire_symbol_count, quire_symbols (address, offset of the name; ascending), quire_symbol_names.
"""
import subprocess
import sys


def functions(image):
    """Addresses and demangled names of the text symbols, ascending; one name for an address."""
    listing = subprocess.run(["llvm-nm-19", "-C", "--defined-only", image], check=True, capture_output=True, text=True)
    names = {}
    for line in listing.stdout.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW" and name not in ("", "$x"):
            names.setdefault(int(address, 16), shorten(name))
    return sorted(names.items())


def shorten(name):
    """Without parameter lists and template arguments: a backtrace wants to be read."""
    depth, kept = 0, []
    for character in name.replace("(anonymous namespace)::", "").replace("operator()", "operator-call"):
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth = max(depth - 1, 0)
        elif depth == 0:
            kept.append(character)
    return "".join(kept).removesuffix(" const").split(" ")[-1] or name


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: symbols.py IMAGE OUT.S")
    table = functions(sys.argv[1])
    lines = ['.section .rodata.symbols, "a"', ".balign 4", ".global quire_symbol_count", "quire_symbol_count:",
             f".long {len(table)}", ".global quire_symbols", "quire_symbols:"]
    offset, names = 0, []
    for address, name in table:
        lines.append(f".long {address:#x}, {offset}")
        names.append(name)
        offset += len(name.encode()) + 1
    lines += [".global quire_symbol_names", "quire_symbol_names:"]
    lines += [f'.asciz "{name}"' for name in names]
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


main()
