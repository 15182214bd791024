"""Where things are."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench-heap"
SUBJECT = ROOT / "build" / "host" / "libquire-malloc.so"
sys.path.insert(0, str(ROOT / "tools"))
