"""Runs the kernel in QEMU and connects its serial ports."""
import fcntl
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

import guest

TERMINAL, TRACE, ERRORS, LOG = range(4)
CHUNK = 65536
GATHERING = 0.001  # seconds: QEMU writes byte by byte, and to fetch each alone would cost more than the whole emulation


class Ended(Exception):
    """The run ended for a reason that is not the guest's: (exit status, one line or None)."""


def command(options, boot, pipes):
    """QEMU's command line. `boot`: -kernel … or -cdrom …; `pipes`: names of the FIFOs of the four ports."""
    line = ["qemu-system-i386", "-accel", "tcg", "-M", "pc", "-cpu", "qemu32", "-m", f"{options.memory >> 20}",
            "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std", "-monitor", "none", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    for name in pipes:
        line += ["-chardev", f"pipe,id={os.path.basename(name)},path={name}", "-serial", f"chardev:{os.path.basename(name)}"]
    if options.icount:
        line += ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1"]
    if options.gdb:
        line += ["-s", "-S"]
    return line + boot


class Machine:
    """One QEMU process. Use as a context; run() pumps bytes until it ends."""

    def __init__(self, options, boot):
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="quire-")
        pipes = [os.path.join(self._folder.name, f"com{i + 1}") for i in range(4)]
        for name in pipes:
            os.mkfifo(name + ".in")
            os.mkfifo(name + ".out")
        # Both ends open here first, so that QEMU finds somebody at the other end; large pipes mean fewer switches.
        self._out = [os.open(name + ".out", os.O_RDWR | os.O_NONBLOCK) for name in pipes]
        self._in = os.open(pipes[TERMINAL] + ".in", os.O_RDWR | os.O_NONBLOCK)
        self._others = [os.open(name + ".in", os.O_RDWR | os.O_NONBLOCK) for name in pipes[1:]]
        for descriptor in (*self._out, self._in):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 1 << 20)
        # Who kills us must not leave an emulator behind that runs for ever.
        dies_with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen(dies_with_us + command(options, boot, pipes), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, start_new_session=True)
        self._end = os.pidfd_open(self._process.pid)  # readable when QEMU has ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.complaint = self._process.stderr.read().decode(errors="replace").strip()
        for descriptor in (*self._out, self._in, *self._others, self._end):
            os.close(descriptor)
        self._folder.cleanup()

    def run(self, source, sinks, log, deadline):
        """Copies `source` (a descriptor, or None for an empty input) to the guest's input and its outputs to `sinks` (two
        descriptors) and `log`, until the guest ends. Raises Ended."""
        selector = selectors.DefaultSelector()
        for port in (TERMINAL, ERRORS, LOG):
            selector.register(self._out[port], selectors.EVENT_READ, port)
        selector.register(self._end, selectors.EVENT_READ)
        waiting = bytearray()
        if source is None and self._options.mode != "test":  # test cases loop the port back to themselves
            waiting += guest.frame(b"")
        unfinished = source is not None
        waitable = unfinished and self._watch(selector, source)
        while True:
            if unfinished and not waitable and len(waiting) < CHUNK:
                unfinished = self._take(source, waiting)
            room = unfinished and len(waiting) < CHUNK
            if waitable:  # a source that is ready must not wake us while there is no room for what it has
                self._want(selector, source, selectors.EVENT_READ, room)
            self._want(selector, self._in, selectors.EVENT_WRITE, bool(waiting))
            over = self._process.poll() is not None
            for key, _ in selector.select(0 if over or (room and not waitable) else 0.2):
                if key.fd == self._in:
                    del waiting[:os.write(self._in, waiting)]
                elif key.fd == source:
                    unfinished = self._take(source, waiting)
                elif key.fd != self._end:  # of which the next turn hears
                    self._copy(key.data, sinks, log)
            if over:
                for port in (TERMINAL, ERRORS, LOG):
                    while self._copy(port, sinks, log):
                        pass
                return
            if deadline is not None and time.monotonic() > deadline:
                raise Ended(124, f"timed out after {self._options.timeout:g} seconds")
            time.sleep(GATHERING)

    @staticmethod
    def _watch(selector, source):
        """False for a regular file, which cannot be waited for and never needs to be."""
        try:
            selector.register(source, selectors.EVENT_READ)
        except PermissionError:
            return False
        return True

    @staticmethod
    def _want(selector, descriptor, event, wanted):
        registered = descriptor in selector.get_map()
        if wanted and not registered:
            selector.register(descriptor, event)
        elif registered and not wanted:
            selector.unregister(descriptor)

    def _take(self, source, waiting):
        """One piece of the input into the queue; False at its end."""
        try:
            data = os.read(source, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if self._options.quits and b"\x1d" in data:
            raise Ended(0, None)
        waiting += guest.frame(data)
        return bool(data)

    def _copy(self, port, sinks, log):
        """What a port has written; False when there is nothing more for now."""
        try:
            data = os.read(self._out[port], 1 << 20)
        except BlockingIOError:
            return False
        if port == LOG:
            log.feed(data)
            return True
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(sinks[0 if port == TERMINAL else 1], view):]
            except BlockingIOError:
                time.sleep(0.001)
            except BrokenPipeError:
                raise Ended(128 + signal.SIGPIPE, None) from None
        return True
