#!/usr/bin/env python3
"""check_kernel_image.py IMAGE: no function of the kernel uses the FPU, MMX or SSE, whose registers belong to programs; only the switch
between programs saves and restores them, and two functions that borrow a register put it back."""
import re
import subprocess
import sys

ALLOWED = re.compile(r"\b(fxsave|fxrstor|fninit|fnclex|ldmxcsr|fwait)\b")
# These save and restore what they use: ports/i386/frame_memory.S.
BORROWERS = {"quire_clear_frame", "quire_copy_frame"}
FORBIDDEN = re.compile(r"%(xmm|mm|st)\b|%(xmm|mm)\d|\t(f[a-z]+)\b")


def main():
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    function, bad = "?", []
    for line in listing.splitlines():
        if match := re.match(r"[0-9a-f]+ <(.*)>:", line):
            function = match[1]
        elif FORBIDDEN.search(line) and not ALLOWED.search(line) and function not in BORROWERS:
            bad.append(f"{function}: {line.strip()}")
    print("\n".join(bad[:20]))
    return 1 if bad else 0


sys.exit(main())
