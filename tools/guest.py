"""What runs in an emulator, seen from outside: four serial streams, and how it ended. The protocol is docs/tools.md."""
import re
import struct


class Log:
    """The kernel's log (COM4), line by line: where it goes, and what it says about the end."""

    def __init__(self, sinks):
        self._sinks = sinks
        self._rest = b""
        self.exit_status = None
        self.fatal = None
        self.panic = []

    def feed(self, data):
        """Takes in bytes of the log."""
        for sink in self._sinks:
            sink.write(data)
            sink.flush()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace").rstrip("\r"))

    def _line(self, line):
        if match := re.fullmatch(r"quire: exit (\d+)", line):
            self.exit_status = int(match[1])
        elif self.panic or line.startswith("quire: panic: "):
            self.panic.append(line)
        elif line.startswith("quire: fatal: "):
            self.fatal = line.removeprefix("quire: fatal: ")


def frame(data):
    """Standard input as the kernel wants it: a length of two bytes, then the bytes; b"" is the end of file."""
    if not data:
        return b"\0\0"
    pieces = (data[i:i + 65535] for i in range(0, len(data), 65535))
    return b"".join(struct.pack("<H", len(piece)) + piece for piece in pieces)
