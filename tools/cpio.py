"""Writes cpio archives of the "newc" format: the kernel's initial file system. cpio(5). Deterministic: no times, no owners."""
import os
import stat


class Archive:
    """Collects files by their path in the guest; the later one counts. Directories above a path are made as needed."""

    def __init__(self):
        self._entries = {}

    def add_bytes(self, path, data, mode=0o644):
        """A regular file."""
        self._add(path, stat.S_IFREG | mode, data)

    def add_file(self, host, guest):
        """A copy of a file of the host, with its permissions. Raises OSError."""
        with open(host, "rb") as source:
            self.add_bytes(guest, source.read(), stat.S_IMODE(os.fstat(source.fileno()).st_mode))

    def add_link(self, path, target):
        """A symbolic link."""
        self._add(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def add_directory(self, path, mode=0o755):
        """An empty directory."""
        self._add(path, stat.S_IFDIR | mode, b"")

    def add_tree(self, host, guest):
        """Everything below a directory of the host: files, directories, symbolic links. Raises OSError."""
        self.add_directory(guest)
        for folder, folders, files in os.walk(host):
            folders.sort()
            inside = os.path.relpath(folder, host)
            for name in sorted(folders + files):
                source = os.path.join(folder, name)
                target = os.path.normpath(os.path.join(guest, inside, name))
                if os.path.islink(source):
                    self.add_link(target, os.readlink(source))
                elif os.path.isdir(source):
                    self.add_directory(target)
                elif os.path.isfile(source):
                    self.add_file(source, target)

    def write(self, out):
        """Writes the archive to a binary file and returns its size in bytes."""
        size = 0
        for number, (path, (mode, data)) in enumerate(sorted(self._entries.items()), 1):
            size += self._write_entry(out, number, path, mode, data)
        return size + self._write_entry(out, 0, "TRAILER!!!", 0, b"")

    def _add(self, path, mode, data):
        path = os.path.normpath("/" + path).lstrip("/")
        above = os.path.dirname(path)
        if above and above not in self._entries:
            self.add_directory(above)
        if path:
            self._entries[path] = (mode, data)

    @staticmethod
    def _write_entry(out, number, path, mode, data):
        if len(data) >= 1 << 32:
            raise OSError(f"{path}: too large for an archive (4 GiB)")
        name = os.fsencode(path) + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        head += b"\0" * (-len(head) % 4)
        tail = b"\0" * (-len(data) % 4)
        out.write(head)
        out.write(data)
        out.write(tail)
        return len(head) + len(data) + len(tail)
