"""Installs what is missing, from Debian's packages, and says so."""
import os
import shutil
import subprocess
import sys

# What must be there (a command or a file), and the Debian package that brings it.
BUILD = [("cmake", "cmake"), ("ninja", "ninja-build"), ("gcc", "gcc"), ("g++", "g++"), ("clang++-19", "clang-19"),
         ("ld.lld-19", "lld-19"), ("llvm-nm-19", "llvm-19"), ("/usr/lib/llvm-19/include/c++/v1/expected", "libc++-19-dev"),
         ("/usr/lib/llvm-19/lib/clang/19/include/stddef.h", "libclang-common-19-dev"),
         ("/usr/include/gnu/stubs-32.h", "libc6-dev-i386"), ("/usr/lib32/libc.a", "libc6-dev-i386"),
         ("/usr/lib/gcc/x86_64-linux-gnu/12/32/libgcc.a", "gcc-multilib"),
         ("/usr/include/x86_64-linux-gnu/c++/12/32", "g++-multilib"), ("dpkg-deb", "dpkg")]
RUN = [("qemu-system-i386", "qemu-system-x86")]
ISO = [("grub-mkrescue", "grub-common"), ("/usr/lib/grub/i386-pc/multiboot.mod", "grub-pc-bin"), ("xorriso", "xorriso"), ("mformat", "mtools")]
V86 = [("node", "nodejs"), ("npm", "npm"), ("/usr/share/seabios/bios.bin", "seabios")]
TEST = [("clang-format-19", "clang-format-19"), ("clang-tidy-19", "clang-tidy-19"),
        ("/usr/include/gtest/gtest.h", "libgtest-dev"), ("/usr/include/rapidcheck.h", "librapidcheck-dev"),
        ("/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a", "libclang-rt-19-dev"), ("cpio", "cpio"), ("make", "make")]


class Missing(Exception):
    """Something is not there and cannot be installed here; the text is one line."""


def runs_i386():
    """Whether this machine's kernel runs 32-bit programs: the loader of libc6-i386 is one."""
    try:
        return subprocess.run(["/usr/lib32/ld-linux.so.2", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def emulator():
    """What the tests need beyond TEST: where the kernel does not run 32-bit programs, an emulator that does."""
    return [] if runs_i386() else [("qemu-i386", "qemu-user")]


def there(what):
    """A command on the path, or a file."""
    return os.path.exists(what) if what.startswith("/") else shutil.which(what) is not None


def ensure(*needs):
    """Makes sure that everything in the lists is there; installs with apt-get if this is Debian and we may."""
    missing = [(what, package) for need in needs for what, package in need if not there(what)]
    if not missing:
        return
    packages = sorted({package for _, package in missing})
    if shutil.which("apt-get") is None:
        raise Missing(f"missing: {', '.join(what for what, _ in missing)} (Debian packages: {' '.join(packages)})")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print(f"quire: installing {' '.join(packages)}", file=sys.stderr)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*prefix, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *command], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Missing(f"cannot install {' '.join(packages)}: {reason}")
