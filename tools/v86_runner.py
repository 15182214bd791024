"""Runs the kernel in v86, the machine in a browser, under Node."""
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time

import guest
import packages
import qemu

HERE = pathlib.Path(__file__).resolve().parent / "v86"


def ensure():
    """Node, a BIOS, and the npm package `v86`."""
    packages.ensure(packages.V86)
    if not (HERE / "node_modules" / "v86").exists():
        print("quire: installing the npm package v86", file=sys.stderr)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(HERE / "node_modules", ignore_errors=True)
            raise packages.Missing(f"npm cannot install v86: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def feed(process, source):
    """Standard input in frames, from a thread of its own."""
    try:
        while (data := os.read(source, qemu.CHUNK)):
            process.stdin.write(guest.frame(data))
            process.stdin.flush()
        process.stdin.write(guest.frame(b""))
        process.stdin.flush()
    except (BrokenPipeError, OSError, ValueError):
        pass


def run(options, _folder, image, initrd, words, log):
    """Returns what Node complained about."""
    ensure()
    errors_out, errors_in = os.pipe()
    log_out, log_in = os.pipe()
    redirect = f'exec node "$0" "$@" 3>&{errors_in} 4>&{log_in}'
    process = subprocess.Popen(["bash", "-c", redirect, HERE / "run.mjs", image, initrd, str(options.memory), words], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(errors_in, log_in), start_new_session=True)
    os.close(errors_in)
    os.close(log_in)
    if options.mode != "test":
        threading.Thread(target=feed, args=(process, 0), daemon=True).start()
    deadline = time.monotonic() + options.timeout if options.timeout else None
    try:
        copy_until_closed({process.stdout.fileno(): 1, errors_out: 2, log_out: log}, options, deadline)
        process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        complaint = process.stderr.read().decode(errors="replace").strip()
        os.close(errors_out)
        os.close(log_out)
    return complaint


def copy_until_closed(streams, options, deadline):
    """Copies each stream to its descriptor, or to the log, until all are closed."""
    selector = selectors.DefaultSelector()
    for descriptor, sink in streams.items():
        selector.register(descriptor, selectors.EVENT_READ, sink)
    while selector.get_map():
        for key, _ in selector.select(0.2):
            data = os.read(key.fd, 1 << 16)
            if not data:
                selector.unregister(key.fd)
            elif isinstance(key.data, guest.Log):
                key.data.feed(data)
            else:
                write_all(key.data, data)
        if deadline is not None and time.monotonic() > deadline:
            raise qemu.Ended(124, f"timed out after {options.timeout:g} seconds")


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view):]
        except BrokenPipeError:
            raise qemu.Ended(128 + signal.SIGPIPE, None) from None
