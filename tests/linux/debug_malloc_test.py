#!/usr/bin/env python3
"""libquire-malloc-debug.so under small programs: what is done wrong is named in one line; profiles can be read.

usage: debug_malloc_test.py LIBRARY [-m32] [unittest arguments]      -m32: a library for i386, under qemu-i386 if need be
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

LIBRARY = ""
MODE = []
EMULATOR = None

PROGRAM = r"""
#define _GNU_SOURCE
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void* volatile sink;
__attribute__((noinline)) char* make(size_t bytes) { char* p = malloc(bytes); sink = p; return p; }
__attribute__((noinline)) void leak_small(void) { for (int i = 0; i < 7; ++i) make(10); }
__attribute__((noinline)) void leak_large(void) { for (int i = 0; i < 2; ++i) sink = calloc(50, 100); }

static void* churn(void* argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    char* kept[50] = {0};
    for (int i = 0; i < 3000; ++i) {
        unsigned at = rand_r(&seed) % 50, bytes = rand_r(&seed) % 3000;
        kept[at] = i % 3 ? (free(kept[at]), malloc(bytes)) : realloc(kept[at], bytes + 1);
        if (kept[at]) memset(kept[at], (int)at, bytes);
    }
    for (int i = 0; i < 50; ++i) free(kept[i]);
    return NULL;
}
static void late(void) { free(make(100)); }

static void interface(void) {
    void* p = NULL;
    for (size_t alignment = sizeof(void*); alignment <= 1 << 20; alignment *= 2) {
        assert(posix_memalign(&p, alignment, 100) == 0 && (uintptr_t)p % alignment == 0 && malloc_usable_size(p) == 100);
        free(p);
        assert((uintptr_t)(p = aligned_alloc(alignment, 2 * alignment)) % alignment == 0);
        memset(p, 1, 2 * alignment);
        free(p);
        assert((uintptr_t)(p = memalign(alignment, 5)) % alignment == 0);
        free(p);
    }
    assert(posix_memalign(&p, 3, 100) == EINVAL && posix_memalign(&p, 2, 100) == EINVAL);
    assert((uintptr_t)(p = valloc(1)) % 4096 == 0);
    free(p);
    assert((p = malloc(0)) != NULL);
    free(p);
    volatile size_t most = SIZE_MAX;
    errno = 0;
    assert(malloc(most) == NULL && errno == ENOMEM);
    errno = 0;
    assert(calloc(most / 2, 3) == NULL && errno == ENOMEM);
    errno = 0;
    assert(reallocarray(NULL, most / 2, 3) == NULL && errno == ENOMEM);
    errno = 0;
    assert(aligned_alloc(24, 24) == NULL && errno == EINVAL);
    char* zero = calloc(100, 3000);
    for (int i = 0; i < 300000; ++i) assert(zero[i] == 0);
    memset(zero, 5, 300000);
    assert(realloc(zero, most) == NULL);
    zero = realloc(zero, 1000);
    for (int i = 0; i < 1000; ++i) assert(zero[i] == 5);
    assert(malloc_usable_size(zero) == 1000 && malloc_usable_size(NULL) == 0);
    errno = 77;
    free(zero);
    assert(errno == 77);
    assert(realloc(malloc(5), 0) == NULL);
    unsigned char* fresh = malloc(1000);
    assert(fresh[0] == 0xA5 && fresh[999] == 0xA5);
    free(fresh);
}

int main(int count, char** words) {
    const char* what = count > 1 ? words[1] : "";
    volatile size_t n = 24;
    char* p = make(n);
    if (!strcmp(what, "overflow")) { p[n] = 0; free(p); }
    if (!strcmp(what, "underflow")) { p[-1] = 1; sink = realloc(p, 30); }
    if (!strcmp(what, "overflow-unfreed")) { p[n] = 0; return 0; }
    if (!strcmp(what, "late-write")) { free(p); p[5] = 1; return 0; }
    if (!strcmp(what, "double")) { free(p); free(p); }
    if (!strcmp(what, "interior")) free(p + 8);
    if (!strcmp(what, "foreign")) free(&what);
    if (!strcmp(what, "realloc-freed")) { free(p); sink = realloc(p, 9); }
    free(p);
    if (!strcmp(what, "leaks")) { leak_small(); leak_large(); }
    if (!strcmp(what, "interface")) interface();
    if (!strcmp(what, "threads")) {
        pthread_t threads[4];
        for (uintptr_t i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, churn, (void*)i);
        for (int i = 0; i < 20; ++i) {
            pid_t child = fork();
            if (child == 0) { churn((void*)9); _exit(0); }
            int status = 0;
            assert(waitpid(child, &status, 0) == child && status == 0);
            void* library = dlopen("libm.so.6", RTLD_NOW);
            assert(library && dlsym(library, "cos"));
            dlclose(library);
        }
        for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    }
    if (!strcmp(what, "exit")) atexit(late);
    if (!strcmp(what, "profile"))
        for (int i = 0; i < 20000; ++i) { make(200); free(make(1000)); }
    puts("done");
    return 0;
}
"""

CPP_PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>
struct alignas(128) Wide { char bytes[256]; };
static int asked = 0;
int main(int count, char** words) {
    std::string what = count > 1 ? words[1] : "";
    if (what == "size") { int* p = new int; ::operator delete(static_cast<void*>(p), std::size_t{24}); }
    if (what == "double") { int* p = new int; delete p; delete p; }
    if (what == "forms") {
        Wide* wide = new Wide;
        if (reinterpret_cast<std::size_t>(wide) % 128) return 2;
        delete wide;
        delete[] new Wide[3];
        delete[] new std::string[5];
        ::operator delete(::operator new(5, std::nothrow), std::nothrow);
        ::operator delete(::operator new(5, std::align_val_t{64}, std::nothrow), std::align_val_t{64}, std::nothrow);
        volatile std::size_t most = ~std::size_t{0} - 1000;
        if (::operator new(most, std::nothrow)) return 3;
        std::set_new_handler([] { if (++asked == 2) std::set_new_handler(nullptr); });
        try { sscanf("", "%p", static_cast<void**>(::operator new(most))); return 4; } catch (const std::bad_alloc&) {}
        if (asked != 2) return 5;
        std::vector<std::string> many;
        for (int i = 0; i < 1000; ++i) many.push_back(std::string(i, 'y'));
    }
    std::puts("done");
}
"""


class Program:
    def __init__(self, folder, name, text, compiler):
        self.path = folder / name
        source = folder / (name + (".cpp" if compiler == "g++" else ".c"))
        source.write_text(text)
        subprocess.run([compiler, *MODE, "-g", "-O0", "-w", "-rdynamic", "-fno-builtin", source, "-o", self.path, "-lpthread", "-ldl"], check=True)

    def run(self, *words, **variables):
        variables["LD_PRELOAD"] = LIBRARY
        command = [self.path, *words]
        if EMULATOR:
            command = [EMULATOR, *(part for name, value in variables.items() for part in ("-E", f"{name}={value}")), *command]
            variables = {}
        result = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300)
        result.stderr = "".join(line for line in result.stderr.splitlines(True) if not line.startswith("qemu:"))
        return result


class DebugMalloc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="quire-debug-malloc-"))
        cls.c = Program(cls.folder, "program", PROGRAM, "gcc")
        cls.cpp = Program(cls.folder, "cpp-program", CPP_PROGRAM, "g++")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def finds(self, program, what, line, *sections):
        result = program.run(what)
        self.assertEqual(result.returncode, -6, result)
        first, *rest = result.stderr.splitlines()
        self.assertRegex(first, "^quire-malloc: " + line)
        heads = [entry.strip() for entry in rest if not entry.startswith("    ")]
        self.assertEqual(heads, list(sections), result.stderr)
        return result.stderr

    def well(self, program, what, **variables):
        result = program.run(what, **variables)
        self.assertEqual((result.returncode, result.stdout), (0, "done\n"), result)
        return result.stderr

    def test_damage(self):
        text = self.finds(self.c, "overflow", r"write past the end: block 0x\w+ of 24 bytes, byte \+24 is now 0x0 ", "allocated at", "found at")
        self.assertRegex(text, r"allocated at\n    make \(.*/program\+0x\w+\)\n    main \(")
        self.finds(self.c, "underflow", r"write before the start: block 0x\w+ of 24 bytes, byte -1 is now 0x1 ", "allocated at", "found at")
        self.finds(self.c, "overflow-unfreed", r"write past the end", "allocated at", "found at")
        self.finds(self.c, "late-write", r"write after free: block 0x\w+ of 24 bytes, byte \+5 is now 0x1 ", "allocated at", "freed at", "found at")

    def test_bad_pointers(self):
        self.finds(self.c, "double", r"freed twice: block 0x\w+ of 24 bytes ", "allocated at", "freed at", "found at")
        self.finds(self.c, "interior", r"pointer into the middle of a block: block 0x\w+ of 24 bytes, at \+8 ", "allocated at", "found at")
        self.finds(self.c, "foreign", r"pointer that is not the heap's own: 0x\w+", "found at")
        self.finds(self.c, "realloc-freed", "freed twice", "allocated at", "freed at", "found at")
        self.finds(self.cpp, "size", r"freed with a wrong size: block 0x\w+ of 4 bytes, not 24 ", "allocated at", "found at")
        self.finds(self.cpp, "double", "freed twice", "allocated at", "freed at", "found at")

    def test_right_programs(self):
        for what in ["interface", "threads", "exit"]:
            self.assertEqual(self.well(self.c, what), "")
            self.assertEqual(self.well(self.c, what, QUIRE_MALLOC_QUARANTINE="0"), "")
        self.assertEqual(self.well(self.cpp, "forms"), "")

    def test_leaks(self):
        text = self.well(self.c, "leaks", QUIRE_MALLOC_LEAKS="1")
        self.assertRegex(text, r"^quire-malloc: process \d+ ends with \d+ blocks of \d+ bytes that were not freed\n")
        large = re.search(r"  10000 bytes in 2 blocks, allocated at\n    leak_large \(", text)
        small = re.search(r"  70 bytes in 7 blocks, allocated at\n    make \(.*\n    leak_small \(", text)
        self.assertTrue(large and small and large.start() < small.start(), text)
        self.assertNotIn("leak_", self.well(self.c, "", QUIRE_MALLOC_LEAKS="1"))
        self.assertEqual(self.well(self.c, "leaks", QUIRE_MALLOC_LEAKS="0"), "")

    def profile(self, name, sample):
        path = self.folder / name
        self.well(self.c, "profile", QUIRE_MALLOC_PROFILE=str(path), QUIRE_MALLOC_SAMPLE=sample)
        return path

    def test_pprof_format(self):
        path = self.profile("heap.prof", "1")
        head, *lines = path.read_text().splitlines()
        numbers = re.fullmatch(r"heap profile: (\d+): (\d+) \[(\d+): (\d+)\] @ heap_v2/1", head)
        self.assertTrue(numbers, head)
        entries = lines[:lines.index("")]
        sums = [0, 0, 0, 0]
        for entry in entries:
            match = re.fullmatch(r"(\d+): (\d+) \[(\d+): (\d+)\] @((?: 0x[0-9a-f]+)+)", entry)
            self.assertTrue(match, entry)
            sums = [a + int(b) for a, b in zip(sums, match.groups())]
        self.assertEqual(sums, [int(number) for number in numbers.groups()])
        self.assertGreaterEqual(sums[1], 200 * 20000)
        self.assertGreaterEqual(sums[3], 1200 * 20000)
        maps = lines[lines.index("MAPPED_LIBRARIES:") + 1:]
        self.assertTrue(any(str(self.c.path) in line for line in maps), maps)

    def test_sampled_profile_is_near_the_truth(self):
        path = self.profile("%p.folded", "16K")
        files = list(self.folder.glob("*.folded"))
        self.assertEqual(len(files), 1, path)
        live = 0
        for line in files[0].read_text().splitlines():
            stack, count = line.rsplit(" ", 1)
            if stack.endswith("main;make"):
                live += int(count)
        self.assertAlmostEqual(live / (200 * 20000), 1, delta=0.3)

    @unittest.skipUnless(shutil.which("google-pprof"), "google-perftools is not installed")
    def test_google_pprof_reads_it(self):
        if EMULATOR:
            self.skipTest("the emulator's /proc/self/maps has no executable pages")
        path = self.profile("tool.prof", "4K")
        for kind, expected in [("--inuse_space", 200 * 20000), ("--alloc_space", 1200 * 20000)]:
            text = subprocess.run(["google-pprof", "--text", "--show_bytes", kind, self.c.path, path], capture_output=True, text=True, check=True).stdout
            # flat flat% sum% cumulative cumulative% name
            made = next(line.split() for line in text.splitlines() if line.endswith(" make"))
            self.assertAlmostEqual(int(made[0]) / expected, 1, delta=0.2, msg=text)


def emulator():
    """What runs 32-bit programs: nothing if the machine can, else qemu-i386."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "true"
        subprocess.run(["gcc", "-m32", "-x", "c", "-", "-o", path], input="int main(void) { return 0; }", text=True, check=True)
        try:
            subprocess.run([path], check=True)
            return None
        except OSError:
            return "qemu-i386"


if __name__ == "__main__":
    LIBRARY = os.path.abspath(sys.argv.pop(1))
    if sys.argv[1:2] == ["-m32"]:
        MODE = [sys.argv.pop(1)]
        EMULATOR = emulator()
    unittest.main()
