#!/usr/bin/env python3
"""Boots Quire: `./run --help`."""
import argparse
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import tty

import cpio
import guest
import packages
import qemu

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "i386"
FAILED = 125  # the tools' own trouble, as env(1) and timeout(1) have it
EARLY_SECONDS = 0.2
ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "LANG": "C", "TERM": "dumb"}

HELP = """usage: ./run [OPTION...]                     boot, tell the seed's story, end in a prompt
       ./run [OPTION...] -- PROGRAM [ARG...] run a static Linux/i386 executable as the only process

  --memory SIZE        RAM: 8M ... 3584M, 1G (default 128M)
  --file HOST[:GUEST]  adds a file to the initial file system (default place: /NAME)
  --dir HOST[:GUEST]   adds a directory and everything below it
  --env NAME=VALUE     adds to the program's environment
  --slice MS           time slice, 1 to 1000 milliseconds (default 10)
  --icount             deterministic: one instruction is one nanosecond and one tick of the time stamp counter
  --timeout S          ends it after S seconds with status 124 (default 600 for a program, none otherwise; 0: none)
  --emulator NAME      qemu (default), or v86, the machine in a browser, under Node
  --iso                boots from a GRUB image made by grub-mkrescue
  --gdb                waits for gdb: gdb build/i386/quire.elf -ex 'target remote :1234'
  --log FILE           writes the kernel's log to FILE
  -v                   shows the kernel's log on standard error
  --prompt             goes to the prompt without the story
  --test [NAME]        runs the test cases inside the kernel: all, one, or those that NAME* matches

A program gets our standard input, output and error, byte for byte, and its exit status becomes ours: 128 + signal if it was
killed, 126 if it is not an executable that Quire can load, 127 if there is none, 125 if Quire itself failed.
At the prompt, `help` lists the commands; Ctrl-] leaves at once."""


class Wrong(Exception):
    """A mistake on the command line; the text is one line."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Wrong(message)


def size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    bytes_ = int(match[1]) << {"": 20, "K": 10, "M": 20, "G": 30}[match[2]] if match else 0
    if not 8 << 20 <= bytes_ <= 3584 << 20:
        raise Wrong(f"--memory {text}: 8M to 3584M")
    return bytes_


def parse(words):
    program = None
    if "--" in words:
        at = words.index("--")
        words, program = words[:at], words[at + 1:]
        if not program:
            raise Wrong("-- wants a program")
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--memory", default="128M")
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--dir", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--slice", type=int, default=10)
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--timeout", type=float)
    parser.add_argument("--emulator", choices=("qemu", "v86"), default="qemu")
    parser.add_argument("--iso", action="store_true")
    parser.add_argument("--gdb", action="store_true")
    parser.add_argument("--log")
    parser.add_argument("-v", action="store_true", dest="verbose")
    parser.add_argument("--prompt", action="store_true")
    parser.add_argument("--test", nargs="?", const="")
    parser.add_argument("--no-build", action="store_true")  # for ./test, which has built already and runs several at once
    options = parser.parse_args(words)
    options.program = program
    options.memory = size(options.memory)
    if not 1 <= options.slice <= 1000:
        raise Wrong("--slice: 1 to 1000 milliseconds")
    if options.timeout is None:
        options.timeout = 600 if program or options.test is not None else 0
    if not 0 <= options.timeout < float("inf"):
        raise Wrong("--timeout: seconds, 0 for none")
    if options.emulator == "v86" and (options.iso or options.gdb or options.icount):
        raise Wrong("--iso, --gdb and --icount are for QEMU")
    options.mode = "program" if program else "test" if options.test is not None else "prompt" if options.prompt else "story"
    options.quits = options.mode in ("story", "prompt") and os.isatty(0)
    return options


def build(verbose):
    """Brings the kernel and the programs up to date."""
    packages.ensure(packages.BUILD, packages.RUN)
    steps = []
    if not (BUILD / "build.ninja").exists():
        steps.append(["cmake", "--preset", "i386"])
    steps.append(["cmake", "--build", "--preset", "i386"])
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if verbose or done.returncode != 0:
            sys.stderr.write(done.stdout + done.stderr)
        if done.returncode != 0:
            raise packages.Missing("the build failed")


def place(text, kind):
    """HOST[:GUEST] of --file and --dir."""
    host, _, inside = text.partition(":")
    if not os.access(host, os.R_OK):
        raise Wrong(f"--{kind} {host}: {'cannot be read' if os.path.exists(host) else 'not found'}")
    if os.path.isdir(host) != (kind == "dir"):
        raise Wrong(f"--{kind} {host}: {'not ' if kind == 'dir' else ''}a directory")
    return host, inside or os.path.basename(os.path.abspath(host))


def strings(words):
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def archive_of(options):
    """The initial file system."""
    archive = cpio.Archive()
    for folder in ("tmp", "bin"):
        archive.add_directory(folder)
    if options.program:
        host = options.program[0]
        guest_path = "/bin/" + os.path.basename(host)
        archive.add_file(host, guest_path)
        archive.add_bytes(".quire/program", os.fsencode(guest_path))
        archive.add_bytes(".quire/argv", strings(options.program))
        environment = dict(ENVIRONMENT, **dict(pair.split("=", 1) for pair in options.env))
        add_early_input(options, archive)
        archive.add_bytes(".quire/env", strings(f"{name}={value}" for name, value in environment.items()))
    else:
        for program in sorted((BUILD / "user").iterdir()):
            if program.is_file():
                archive.add_file(program, f"bin/{program.name}")
        if options.mode != "test" and (busybox := busybox_path()):
            archive.add_file(busybox, "bin/busybox")
        for program in sorted((BUILD / "programs").iterdir()) if options.mode == "test" else ():
            archive.add_file(program, f"bin/{program.name}")
    for text in options.file:
        host, inside = place(text, "file")
        archive.add_file(host, inside)
    for text in options.dir:
        host, inside = place(text, "dir")
        archive.add_tree(host, inside)
    return archive


def add_early_input(options, archive):
    """Input that is there already travels with the archive, because a serial line is slow: all of a file, and of a pipe what comes
    within a moment. The rest goes over the line."""
    if os.isatty(0):
        return
    most, until, data, ended = options.memory // 4, time.monotonic() + EARLY_SECONDS, bytearray(), False
    while len(data) < most and not ended:
        ready, _, _ = select.select([0], [], [], max(0, until - time.monotonic()))
        if not ready:
            break
        piece = os.read(0, min(1 << 20, most - len(data)))
        ended = not piece
        data += piece
    archive.add_bytes(".quire/stdin", bytes(data))
    if ended:
        archive.add_bytes(".quire/stdin-ends", b"")


def busybox_path():
    """Debian's static busybox for i386 as something to play with at the prompt; None if it cannot be had."""
    done = subprocess.run([ROOT / "tools" / "fetch_i386.py", "busybox"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def check_program(options):
    """Finds the program as a shell would, if its name has no slash."""
    name = options.program[0]
    if "/" not in name and not os.path.exists(name):
        if found := busybox_path() if name == "busybox" else shutil.which(name):
            options.program[0] = found
    host = options.program[0]
    if not os.path.exists(host):
        raise qemu.Ended(127, f"{host}: not found")
    if os.path.isdir(host):
        raise qemu.Ended(126, f"{host}: a directory")
    if not os.access(host, os.R_OK):
        raise qemu.Ended(126, f"{host}: cannot be read")
    for pair in options.env:
        if "=" not in pair:
            raise Wrong(f"--env {pair}: NAME=VALUE")


def command_line(options):
    words = [f"mode={options.mode}", f"slice={options.slice}", "stdin=framed", f"time={1767225600 if options.icount else int(time.time())}"]
    words.append("live=ansi" if os.isatty(1) else "live=lines")
    if options.test:
        words.append(f"tests={options.test}")
    return " ".join(words)


def make_iso(folder, image, initrd, words):
    """A bootable image with GRUB on it."""
    packages.ensure(packages.ISO)
    tree = folder / "iso" / "boot"
    (tree / "grub").mkdir(parents=True)
    shutil.copy(image, tree / "quire.elf")
    shutil.copy(initrd, tree / "initrd.cpio")
    (tree / "grub" / "grub.cfg").write_text(
        f"set timeout=0\nmenuentry Quire {{\n  multiboot /boot/quire.elf {words}\n  module /boot/initrd.cpio\n  boot\n}}\n")
    iso = folder / "quire.iso"
    done = subprocess.run(["grub-mkrescue", "-o", iso, folder / "iso"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise packages.Missing(f"grub-mkrescue failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return iso


class RawTerminal:
    """Keys reach the guest one by one, and the terminal is as before in the end."""

    def __init__(self, wanted):
        self._before = termios.tcgetattr(0) if wanted else None

    def __enter__(self):
        if self._before:
            tty.setraw(0)

    def __exit__(self, *_):
        if self._before:
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)


def run_qemu(options, folder, image, initrd, log):
    words = command_line(options)
    if options.iso:
        boot = ["-cdrom", str(make_iso(folder, image, initrd, words)), "-boot", "d"]
    else:
        boot = ["-kernel", str(image), "-initrd", str(initrd), "-append", words]
    if options.gdb:
        print("quire: waiting for: gdb build/i386/quire.elf -ex 'target remote :1234'", file=sys.stderr)
    deadline = time.monotonic() + options.timeout if options.timeout else None
    with RawTerminal(options.quits), qemu.Machine(options, boot) as machine:
        machine.run(None if options.mode == "test" else 0, (1, 2), log, deadline)
    return machine.complaint


def run_v86(options, folder, image, initrd, log):
    import v86_runner
    return v86_runner.run(options, folder, image, initrd, command_line(options), log)


def open_missing_streams():
    """A standard stream that we were started without becomes an empty one, before a file of ours gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def conclude(log, complaint):
    """The exit status, and what has to be said about it."""
    if log.panic:
        print("\n".join(log.panic), file=sys.stderr)
    if log.fatal:
        print(f"quire: {log.fatal}", file=sys.stderr)
    if log.exit_status is not None:
        return log.exit_status
    reason = complaint.splitlines()[-1] if complaint else "the machine stopped without a word (a triple fault?)"
    print(f"quire: {reason}", file=sys.stderr)
    return FAILED


def run(options):
    if options.program:
        check_program(options)
    if not options.no_build:
        build(options.verbose)
    with tempfile.TemporaryDirectory(prefix="quire-") as name:
        folder = pathlib.Path(name)
        initrd = folder / "initrd.cpio"
        with open(initrd, "wb") as out:
            length = archive_of(options).write(out)
        if length > options.memory - (3 << 20):
            raise qemu.Ended(FAILED, f"the initial file system of {length >> 20} MiB does not fit into {options.memory >> 20} MiB of memory")
        sinks = [open(options.log, "wb")] if options.log else []
        if options.verbose:
            sinks.append(sys.stderr.buffer)
        log = guest.Log(sinks)
        image = BUILD / ("quire-test.elf" if options.mode == "test" else "quire.elf")
        runner = run_v86 if options.emulator == "v86" else run_qemu
        complaint = runner(options, folder, image, initrd, log)
        return conclude(log, complaint)


def stop(number, _):
    raise qemu.Ended(128 + number, None)


def main():
    open_missing_streams()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    try:
        options = parse(sys.argv[1:])
        if options.help:
            print(HELP)
            return 0
        return run(options)
    except Wrong as wrong:
        print(f"run: {wrong} (./run --help)", file=sys.stderr)
        return 2
    except packages.Missing as missing:
        print(f"quire: {missing}", file=sys.stderr)
        return FAILED
    except qemu.Ended as ended:
        status, text = ended.args
        if text:
            print(f"quire: {text}", file=sys.stderr)
        return status
    except OSError as error:
        print(f"quire: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    status = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)
