"""The tools' own tests: archives, options, and how a run ends. Run by ctest after everything is built."""
import io
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import cpio  # noqa: E402
import guest  # noqa: E402

MUSL = ROOT / "build" / "i386" / "programs" / "start-musl"


def run(*words, **more):
    return subprocess.run([ROOT / "run", "--no-build", *words], capture_output=True, timeout=100, check=False, **more)


class ArchiveTest(unittest.TestCase):
    def test_cpio_reads_what_we_write(self):
        with tempfile.TemporaryDirectory() as name:
            tree = pathlib.Path(name) / "tree"
            (tree / "deep" / "er").mkdir(parents=True)
            (tree / "deep" / "file").write_bytes(b"x" * 5000)
            (tree / "link").symlink_to("deep/file")
            archive = cpio.Archive()
            archive.add_tree(tree, "/here")
            archive.add_bytes("a/b", b"1")
            archive.add_bytes("a/b", b"later counts")
            out = io.BytesIO()
            self.assertEqual(archive.write(out), len(out.getvalue()))
            where = pathlib.Path(name) / "out"
            where.mkdir()
            subprocess.run(["cpio", "-i", "--quiet"], input=out.getvalue(), cwd=where, check=True)
            self.assertEqual((where / "here" / "deep" / "file").read_bytes(), b"x" * 5000)
            self.assertTrue((where / "here" / "deep" / "er").is_dir())
            self.assertEqual(os.readlink(where / "here" / "link"), "deep/file")
            self.assertEqual((where / "a" / "b").read_bytes(), b"later counts")

    def test_frames(self):
        self.assertEqual(guest.frame(b""), b"\0\0")
        self.assertEqual(guest.frame(b"abc"), b"\3\0abc")
        long = guest.frame(b"y" * 70000)
        self.assertEqual(len(long), 70000 + 4)
        self.assertEqual(long[:2], b"\xff\xff")

    def test_log(self):
        log = guest.Log([])
        for piece in (b"quire: hel", b"lo\nquire: fatal: why\nquire: exit 12", b"5\n"):
            log.feed(piece)
        self.assertEqual((log.exit_status, log.fatal), (125, "why"))


class CommandLineTest(unittest.TestCase):
    def assert_one_line(self, done, status):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_mistakes_are_told_in_one_line(self):
        for words in (["--memory", "4M"], ["--memory", "x"], ["--memory", "4G"], ["--slice", "0"], ["--slice", "1001"], ["--nonsense"], ["word"], ["--"],
                      ["--timeout", "-1"], ["--timeout", "nan"], ["--dir", __file__, "--prompt"], ["--file", str(ROOT), "--prompt"], ["--emulator", "bochs"], ["--emulator", "v86", "--iso"], ["--file", "/none", "--prompt"], ["--env", "X", "--", str(MUSL)]):
            with self.subTest(words):
                self.assert_one_line(run(*words), 2)

    def test_help_fits_a_screen(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertLessEqual(len(done.stdout.splitlines()), 40)

    def test_programs_that_cannot_run(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            whole = MUSL.read_bytes()
            cases = {"garbage": os.urandom(5000), "empty": b"", "script": b"#!/bin/sh\necho\n", "truncated": whole[:3000], "header": whole[:40],
                     "wide": pathlib.Path("/bin/true").read_bytes()}
            for kind, data in cases.items():
                (folder / kind).write_bytes(data)
                with self.subTest(kind):
                    self.assert_one_line(run("--", str(folder / kind)), 126)
            self.assert_one_line(run("--", str(folder / "missing")), 127)
            self.assert_one_line(run("--", str(folder)), 126)

    def test_dynamic_programs_are_refused(self):
        with tempfile.TemporaryDirectory() as name:
            source = pathlib.Path(name) / "x.c"
            source.write_text("int main(void) { return 0; }\n")
            subprocess.run(["gcc", "-m32", "-o", f"{name}/x", source], check=True)
            done = run("--", f"{name}/x")
            self.assert_one_line(done, 126)
            self.assertIn(b"dynamically linked", done.stderr)

    def test_archive_that_does_not_fit(self):
        with tempfile.NamedTemporaryFile() as big:
            big.truncate(20 << 20)
            self.assert_one_line(run("--memory", "16M", "--file", big.name, "--", str(MUSL)), 125)
            big.truncate(5 << 20)  # fits the tool's guess, but the kernel finds too little left
            done = run("--memory", "8M", "--file", big.name, "--", str(MUSL))
            self.assertIn(done.returncode, (125, 3))


class EndTest(unittest.TestCase):
    def test_timeout(self):
        began = time.monotonic()
        done = run("--timeout", "2", "--", "busybox", "sleep", "100")
        self.assertEqual(done.returncode, 124)
        self.assertLess(time.monotonic() - began, 20)

    def test_reader_that_goes_away(self):
        command = f"{ROOT}/run --no-build --timeout 60 -- busybox yes | head -n 2"
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
        self.assertEqual(done.stdout, b"y\ny\n")
        self.assertEqual(done.stderr, b"")

    def test_streams_that_are_closed(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            with self.subTest(closed):
                done = subprocess.run(["bash", "-c", f"{ROOT}/run --no-build -v -- busybox true {closed}"], capture_output=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_waiting_costs_nothing(self):
        """A program that reads none of its endless input: the tools wait without spinning."""
        def seconds():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime

        before = seconds()
        with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as source:
            done = run("--memory", "16M", "--timeout", "8", "--", "busybox", "sleep", "60", stdin=source.stdout)
            source.kill()
        self.assertEqual(done.returncode, 124)
        self.assertLess(seconds() - before, 4)

    def test_killed_from_outside(self):
        process = subprocess.Popen([ROOT / "run", "--no-build", "--", "busybox", "sleep", "100"], stdin=subprocess.DEVNULL)
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)

    def test_killed_without_a_last_word(self):
        """The emulator ends with whoever started it."""
        def is_emulator(process):
            try:
                return b"qemu-system" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
            except OSError:
                return False

        def emulators(parent):
            return [child for child in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split() if is_emulator(child)]

        process = subprocess.Popen([ROOT / "run", "--no-build", "--", "busybox", "sleep", "100"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not (started := emulators(process.pid)) and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(len(started), 1)
        process.kill()
        process.wait(20)
        until = time.monotonic() + 20
        while (left := is_emulator(started[0])) and time.monotonic() < until:
            time.sleep(0.1)
        self.assertFalse(left)

    def test_files_and_log(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "tree").mkdir()
            (folder / "tree" / "leaf").write_text("leaf\n")
            (folder / "data").write_text("data\n")
            done = run("--file", f"{folder}/data:/etc/given", "--dir", f"{folder}/tree:/t", "--log", f"{folder}/log", "--", "busybox", "cat", "/etc/given", "/t/leaf")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"data\nleaf\n", b""))
            self.assertIn("quire: exit 0", (folder / "log").read_text())

    def test_stderr_is_its_own_stream(self):
        done = run("--", "busybox", "cat", "/none")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"/none", done.stderr)


class LintTest(unittest.TestCase):
    def test_a_linter_that_cannot_run_is_no_success(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for part in ("tools", "quire", "bin", "build/i386"):
                (folder / part).mkdir(parents=True)
            (folder / "tools" / "tidy.py").write_bytes((ROOT / "tools" / "tidy.py").read_bytes())
            (folder / ".clang-tidy").write_text("")
            (folder / "quire" / "one.cpp").write_text("")
            (folder / "build" / "i386" / "compile_commands.json").write_text(
                json.dumps([{"file": f"{folder}/quire/one.cpp", "command": "clang++ -o one.o -c one.cpp"}]))
            (folder / "bin" / "clang-tidy-19").write_text("#!/bin/sh\nexit 1\n")
            (folder / "bin" / "clang-tidy-19").chmod(0o755)
            done = subprocess.run([sys.executable, folder / "tools" / "tidy.py"], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("one.cpp", done.stdout)


class StoryTest(unittest.TestCase):
    def tell(self, *words):
        commands = b"help\nmaps\nframes\nheap\nps\naudit\nrun busybox echo from the prompt\nrun nothing\nwhat\nexit 7\n"
        done = run(*words, input=commands)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 7, text + done.stderr.decode())
        for wanted in ("every byte was as I left it", "in sum", "audit: ", "audit ok:", "bytes taken", "  process ", "from the prompt", "nothing: there is no such program",
                       "what: no such command", "frames of 4 KiB"):
            self.assertIn(wanted, text)
        self.assertEqual(text.count("every byte was as I left it"), 3)
        self.assertNotIn("do not add up", text)

    def test_story(self):
        self.tell()

    def test_story_in_little_memory(self):
        self.tell("--memory", "8M")

    def test_end_of_input_ends_the_prompt(self):
        self.assertEqual(run("--prompt", input=b"").returncode, 0)


if __name__ == "__main__":
    unittest.main()
