#!/usr/bin/env python3
"""fetch_i386.py musl|busybox: prints where the i386 C library musl, or a static i386 busybox, lies.

Both are Debian packages of another architecture. They are downloaded by apt with a state directory of our own and unpacked into a
cache folder, so that the system's list of architectures stays as it is.
"""
import fcntl
import os
import pathlib
import subprocess
import sys

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quire"


def apt_site():
    """The mirror that this machine's apt uses already, and its release."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)"], check=True,
                             capture_output=True, text=True).stdout.split("\n")
    for target in targets:
        if target and "security" not in target:
            site, release = target.split()[:2]
            return site, release.removesuffix("-updates")
    sys.exit("fetch_i386: apt names no package mirror (apt-get update?)")


def download(package):
    """Unpacks an i386 package into the cache, once, and returns the folder."""
    folder = CACHE / package
    if not (folder / ".complete").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / "lock", "w", encoding="ascii") as lock:  # tests that run at once ask at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / ".complete").exists():
                fetch(package, folder)
    return folder


def fetch(package, folder):
    """Downloads an i386 package and unpacks it into the folder; what a broken attempt left there does not matter."""
    site, release = apt_site()
    state = CACHE / "apt"
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    sources = state / "sources.list"
    sources.write_text(f"deb [arch=i386 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {site} {release} main\n")
    options = ["-o", "APT::Sandbox::User=root", "-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=-",
               "-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}", "-o", "APT::Architecture=i386",
               "-o", "APT::Architectures::=i386"]
    print(f"fetching {package} for i386", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    for command in (["apt-get", *options, "-qq", "update"], ["apt-get", *options, "-qq", "download", f"{package}:i386"]):
        subprocess.run(command, check=True, cwd=folder, stdout=sys.stderr)
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    archive.unlink()
    (folder / ".complete").touch()


def main():
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        if what == "musl":
            root = download("musl-dev")
            musl = root / "usr"
            view = CACHE / "musl"   # include/ and lib/ side by side, whatever the package calls them
            view.mkdir(exist_ok=True)
            for link, target in (("include", musl / "include/i386-linux-musl"), ("lib", musl / "lib/i386-linux-musl")):
                if not (view / link).exists():
                    (view / link).symlink_to(target)
            print(view)
        elif what == "busybox":
            root = download("busybox-static")
            print(next(path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.exists()))
        else:
            sys.exit("usage: fetch_i386.py musl|busybox")
    except (subprocess.CalledProcessError, StopIteration, OSError) as error:
        sys.exit(f"fetch_i386: cannot get {what}: {error}")


main()
