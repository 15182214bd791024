"""The installed package, from the outside: the examples and the C functions are built from it alone and run."""
import pathlib
import re
import subprocess
import tempfile
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def boot(image):
    """QEMU's output and exit status; the kernel ends it through the debug-exit device."""
    done = subprocess.run(["qemu-system-i386", "-kernel", image, "-serial", "stdio", "-display", "none", "-m", "64", "-no-reboot",
                           "-device", "isa-debug-exit,iobase=0xf4,iosize=1"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout, done.returncode


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = pathlib.Path(cls.folder.name) / "prefix"
        subprocess.run(["cmake", "--install", ROOT / "build" / "host", "--prefix", cls.prefix], check=True, capture_output=True)

    def build(self, source, target="all", status=0):
        """With CMake, several sources at a time: most of the time is headers. test_kernel_in_c_without_cmake takes each source by itself."""
        build = tempfile.mkdtemp(dir=self.folder.name)
        out = ""
        for command in (["cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_UNITY_BUILD=ON"],
                        ["cmake", "--build", build, "--target", target]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            out += done.stdout + done.stderr
            if done.returncode != 0:
                break
        self.assertEqual(done.returncode, status, out)
        self.assertNotIn("warning:", out)
        return pathlib.Path(build), out

    def consumer(self, target, source, options=""):
        """A project of one file that links a target of the package."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder.name))
        (folder / "one.cpp").write_text(textwrap.dedent(source))
        (folder / "CMakeLists.txt").write_text(textwrap.dedent(f"""
            cmake_minimum_required(VERSION 3.25)
            project(one LANGUAGES CXX ASM)
            find_package(quire REQUIRED)
            add_library(one STATIC one.cpp)
            target_link_libraries(one PRIVATE {target})
            target_compile_options(one PRIVATE {options})
            """))
        return folder

    KERNEL_IN_C = (textwrap.dedent("""\
        audit ok
        malloc(24) = 0x40000000
        the heap's own books, and a page of blocks: 3 faults, 4 frames
        24 bytes beside others.: 0 faults, 0 frames
        10 pages of 1 MiB: 10 faults, 10 frames
        13 pages of 259 have a frame
        audit ok
        frames that did not come back: 0
        quire_malloc(24) = 0xC0404000
        audit ok
        """), 1)

    def test_kernel_in_c(self):
        build, _ = self.build(ROOT / "examples" / "kernel-in-c")
        self.assertEqual(boot(build / "kernel.elf"), self.KERNEL_IN_C)
        self.assertLess(len((ROOT / "examples" / "kernel-in-c" / "port.c").read_text().splitlines()), 200)

    def test_kernel_in_c_without_cmake(self):
        build = tempfile.mkdtemp(dir=self.folder.name)
        done = subprocess.run(["make", "-j2", "-C", ROOT / "examples" / "kernel-in-c", f"PREFIX={self.prefix}", f"BUILD={build}"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(boot(pathlib.Path(build) / "kernel.elf"), self.KERNEL_IN_C)

    def test_every_c_function(self):
        """On a virtual machine, and on a port with 64-bit entries inside a process, whose every mistake quire_check_port() finds."""
        folder = ROOT / "tests" / "c"
        build, _ = self.build(folder)
        self.assertEqual(boot(build / "kernel.elf"), ("all ok\n", 1))

        def process(*mistake):
            done = subprocess.run([build / "process", *mistake], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        self.assertEqual(process(), (0, "all ok\n", ""))
        mistakes = set(re.findall(r'is\("(.+?)"\)', (folder / "process.c").read_text()))
        self.assertGreaterEqual(len(mistakes), 14)
        for mistake in sorted(mistakes):
            with self.subTest(mistake):
                status, _, errors = process(mistake)
                self.assertEqual(status, 3, errors)
                self.assertRegex(errors, r"^defect: quire_port_\w+: ")

        header = re.sub(r"/\*.*?\*/", "", (ROOT / "quire" / "quire.h").read_text(), flags=re.DOTALL)
        declared = set(re.findall(r"\bquire_(?!port_)\w+(?=\()", header))
        called = set(re.findall(r"\bquire_\w+(?=\()", (folder / "every_function.c").read_text()))
        self.assertGreater(len(declared), 50)
        self.assertEqual(declared - called, set())

    def test_hosted_example(self):
        build, _ = self.build(ROOT / "examples" / "hosted")
        out = subprocess.run([build / "hosted"], capture_output=True, text=True, check=True).stdout
        self.assertIn("write of 0x40000000: copied", out)
        self.assertIn("the parent reads 1 and writes 3", out)
        self.assertIn("reused", out)
        self.assertLessEqual(len((ROOT / "examples" / "hosted" / "main.cpp").read_text().splitlines()), 60)

    def test_i386_needs_four_functions(self):
        """The port is header and assembler; the objects want memcpy and its like, the defect handler, and nothing else."""
        folder = self.consumer("quire::i386", "#include <quire/space/space.hpp>\nstatic_assert(quire::Machine::kPagesPerTable == 1024);\n",
                               "-m32 -march=i686 -ffreestanding -fno-pic -fno-stack-protector -O2 $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> $<$<COMPILE_LANGUAGE:CXX>:-fno-threadsafe-statics>")
        build, _ = self.build(folder)
        subprocess.run(["ld", "-r", "-m", "elf_i386", "--whole-archive", build / "libone.a", "-o", build / "all.o"], check=True)
        wanted = subprocess.run(["nm", "-u", build / "all.o"], capture_output=True, text=True, check=True).stdout.split()
        self.assertLessEqual(set(wanted) - {"U"}, {"memcpy", "memset", "memmove", "memcmp", "_ZN5quire14stop_on_defectEPKcSt15source_location"})

    def test_without_a_port(self):
        _, out = self.build(self.consumer("quire::quire", "#include <quire/space/space.hpp>\n"), status=1)
        self.assertIn("Quire needs a port", out)

    def test_header_is_c(self):
        with tempfile.TemporaryDirectory() as name:
            unit = pathlib.Path(name) / "unit.c"
            unit.write_text("#include <quire/quire.h>\nint unit;\n")
            for compiler in ("gcc", "clang-19"):
                subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{self.prefix}/include", "-c", unit, "-o", "/dev/null"], check=True)


if __name__ == "__main__":
    unittest.main()
