"""From single runs to ratios: the median of the rounds, the best peer of each row, geometric means."""
import collections
import math
import statistics

# What is compared: the key in a run, the title, the unit, and what one unit of the key is in it.
MEASURES = [("wall", "time", "ms", 1000), ("cpu", "user+system time", "ms", 1000), ("rss_kib", "peak RSS", "MiB", 1 / 1024)]

Row = collections.namedtuple("Row", "name threads")


class Figures:
    """All runs of one comparison: add() them, then ask."""

    def __init__(self, allocators, least=False):
        self.choose = min if least else statistics.median
        self.allocators = allocators
        self.peers = [allocator.name for allocator in allocators if not allocator.subject]
        self.subjects = [allocator.name for allocator in allocators if allocator.subject]
        self.runs = collections.defaultdict(list)
        self.rows = []
        self.failures = {}

    def add(self, row, allocator, run):
        if row not in self.rows:
            self.rows.append(row)
        self.runs[row, allocator.name].append(run)

    def fail(self, row, allocator, reason):
        """An allocator that breaks a row has no figure in it."""
        if row not in self.rows:
            self.rows.append(row)
        self.failures.setdefault((row, allocator.name), reason)
        self.runs.pop((row, allocator.name), None)

    def failed(self, row, allocator):
        return (row, allocator.name) in self.failures

    def figure(self, row, name, key):
        values = [run[key] for run in self.runs.get((row, name), []) if key in run]
        return self.choose(values) if values else None

    def best(self, row, key):
        """The name and the figure of the best peer; without a peer, of the best."""
        names = [name for name in self.peers or self.subjects if self.figure(row, name, key) is not None]
        return min(((self.figure(row, name, key), name) for name in names), default=(None, None))

    def ratio(self, row, name, key):
        value, (best, _) = self.figure(row, name, key), self.best(row, key)
        return None if value is None or best is None else value / best

    def mean(self, name, key, threads=None):
        """Geometric mean of the ratios over the rows (those with so many threads)."""
        ratios = [self.ratio(row, name, key) for row in self.rows if threads in (None, row.threads)]
        ratios = [ratio for ratio in ratios if ratio]
        return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None

    def worst(self, name, key):
        """The largest ratio and its row."""
        return max(((self.ratio(row, name, key) or 0, row) for row in self.rows), default=(0, None))

    def threads(self):
        return sorted({row.threads for row in self.rows})

    def as_json(self):
        return [{"name": row.name, "threads": row.threads, "allocator": name, "runs": runs} for (row, name), runs in self.runs.items()]
