"""The real programs, from Debian's packages: what each needs, and its command. Each takes about two seconds."""
import collections
import hashlib
import os
import socket
import subprocess
import tempfile
import time

import options
import paths
import rounds

INPUTS = paths.HERE / "inputs"
LONGEST = 300
# Debian's redis-server is linked with jemalloc: to measure glibc's malloc, glibc has to come first.
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0"}

Program = collections.namedtuple("Program", "name about needs run")
Launched = collections.namedtuple("Launched", "process report")


def start(launcher, preload, command, **streams):
    """Starts a program below the launcher, which tells afterwards what it took."""
    reader, writer = os.pipe()
    process = subprocess.Popen([launcher, str(writer), preload, *map(str, command)], env=ENVIRONMENT, pass_fds=[writer], text=True, **streams)
    os.close(writer)
    return Launched(process, os.fdopen(reader))


def finish(launched):
    """Waits; what it wrote, and the figures."""
    try:
        output, errors = launched.process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        launched.process.terminate()
        launched.process.wait()
        raise
    with launched.report as report:
        run = rounds.parse(report.read())
    if launched.process.returncode != 0:
        reason = ((errors or "").strip().splitlines() or ["no reason given"])[-1]
        raise options.Wrong(f"status {launched.process.returncode}, {reason}")
    return output, run


def run_command(launcher, allocator, command, source=None):
    with open(source or os.devnull, encoding="utf-8") as stdin:
        launched = start(launcher, allocator.preload, command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, run = finish(launched)
    return hashlib.sha256(output.encode()).hexdigest(), run


def plain(*command, source=None):
    return lambda launcher, allocator: run_command(launcher, allocator, command, source)


TEMPLATE = """struct Key%(n)d { int a, b; bool operator<(const Key%(n)d& o) const { return a < o.a || (a == o.a && b < o.b); } };
int use%(n)d(std::vector<Key%(n)d> keys) {
    std::map<Key%(n)d, std::vector<std::string>> index;
    std::sort(keys.begin(), keys.end());
    for (const auto& key : keys) index[key].push_back(std::to_string(key.a + %(n)d));
    std::function<int(const Key%(n)d&)> count = [&](const Key%(n)d& key) { return int(index[key].size()) * %(n)d; };
    return std::accumulate(keys.begin(), keys.end(), 0, [&](int sum, const auto& key) { return sum + count(key); });
}
"""


def compile_templates(launcher, allocator):
    """A generated file: the same few templates for many types."""
    source = paths.BUILD / "templates.cpp"
    head = "".join(f"#include <{name}>\n" for name in ("algorithm", "functional", "map", "numeric", "string", "vector"))
    text = head + "".join(TEMPLATE % {"n": number} for number in range(16))
    if not source.exists() or source.read_text(encoding="utf-8") != text:
        source.write_text(text, encoding="utf-8")
    return run_command(launcher, allocator, ["g++", "-std=c++17", "-O1", "-c", source, "-o", "/dev/null"])


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def ask(port, *words):
    return subprocess.run(["redis-cli", "-p", port, *words], capture_output=True, text=True, timeout=LONGEST, check=False).stdout.strip()


def wait_for(port, server):
    for _ in range(200):
        if ask(port, "ping") == "PONG":
            return
        if server.process.poll() is not None:
            raise options.Wrong("redis-server ended at once")
        time.sleep(0.05)
    raise options.Wrong("redis-server does not answer")


def load(port):
    """So many requests of each kind; the time they took."""
    began = time.monotonic()
    for kinds, more in (("set,get,incr,sadd,hset", []), ("lpush,rpush,lpop,zadd", []), ("set,get", ["-d", "1500"])):
        subprocess.run(["redis-benchmark", "-q", "-p", port, "-n", "60000", "-c", "20", "-P", "8", "-r", "30000", "-t", kinds, *more],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LONGEST, check=True)
    return time.monotonic() - began


def serve(launcher, allocator):
    """redis-server below the launcher; time is that of the requests, processor time and memory are the server's."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = start(launcher, allocator.preload or LIBC,
                       ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, server)
            wall = load(port)
            ask(port, "shutdown", "nosave")
        except BaseException:
            server.process.terminate()
            server.process.wait()
            server.report.close()
            raise
        _, run = finish(server)
    return "", {**run, "wall": wall}


ALL = [
    Program("sqlite3", "a generated database in memory: inserts, indexes, joins", [("sqlite3", "sqlite3")],
            plain("sqlite3", ":memory:", source=INPUTS / "rows.sql")),
    Program("python3", "objects, JSON, dictionaries, a tree; PYTHONMALLOC=malloc", [("/usr/bin/python3", "python3")],
            plain("/usr/bin/python3", "-S", INPUTS / "allocate.py")),
    Program("perl", "strings, hashes of arrays, regular expressions", [("perl", "perl")], plain("perl", INPUTS / "allocate.pl")),
    Program("g++", "compiles a generated file with templates", [("g++", "g++")], compile_templates),
    Program("redis", "redis-server under redis-benchmark on loopback", [("redis-server", "redis-server"), ("redis-benchmark", "redis-tools")], serve),
    Program("lua", "trees, tables, strings, closures", [("lua5.4", "lua5.4")], plain("lua5.4", INPUTS / "allocate.lua")),
]
