"""Several programs at once that do their worst, in little memory: the kernel goes on, and its books balance."""
import os
import pathlib
import subprocess
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "build" / "i386" / "programs"


def script(first_seed):
    """Hostile programs in the background and one in front, while another takes all memory again and again."""
    lines = ["run heap &"]
    lines += [f"run hostile {seed} 60000 &" for seed in range(first_seed, first_seed + 5)]
    for seed in range(first_seed + 5, first_seed + 9):
        lines += [f"run hostile {seed} 60000", "run heap", "audit"]
    return "\n".join([*lines, "audit", "exit 7", ""])


class HostilityTest(unittest.TestCase):
    def test_several_at_once_in_little_memory(self):
        until = time.monotonic() + float(os.environ.get("QUIRE_SOAK_MINUTES", 0)) * 60 / 12
        seed = int(time.time()) % 1_000_000 if until > time.monotonic() else 100
        short = 0
        for turn in range(1_000_000):
            if turn >= 3 and time.monotonic() >= until:
                break
            with self.subTest(seed=seed):
                done = subprocess.run([ROOT / "run", "--no-build", "--memory", ("8M", "9M", "12M")[turn % 3], "-v", "--prompt",
                                       "--file", f"{PROGRAMS}/hostile-musl:/bin/hostile", "--file", f"{PROGRAMS}/heap-musl:/bin/heap"],
                                      input=script(seed).encode(), capture_output=True, timeout=300, check=False)
                self.assertEqual(done.returncode, 7, done.stderr[-2000:])
                self.assertEqual(done.stdout.count(b"audit ok"), 5)
                self.assertNotIn(b"panic", done.stderr)
                short += b"no frames" in done.stderr
            seed += 9
        self.assertGreater(short * 2, turn, "memory was hardly ever short")


if __name__ == "__main__":
    unittest.main()
