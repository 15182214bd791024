"""For bench/heap/programs: objects of many kinds and lives. Debian's python3 with PYTHONMALLOC=malloc takes each from malloc."""
import json
import random

random.seed(1)


def records(count):
    return [{"id": i, "name": f"name{i}", "tags": [str(random.random()) for _ in range(i % 7)], "at": (i, i * 2.5)} for i in range(count)]


def words(count):
    counts = {}
    for _ in range(count):
        word = "".join(random.choices("abcdefgh", k=random.randint(1, 5)))
        counts[word] = counts.get(word, 0) + 1
    return counts


class Tree:
    """A binary search tree of objects."""

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        node = self
        while True:
            side = "left" if key < node.key else "right"
            below = getattr(node, side)
            if below is None:
                setattr(node, side, Tree(key))
                return
            node = below


def main():
    kept = []
    for turn in range(4):
        made = records(20_000)
        text = json.dumps(made)
        kept.append(json.loads(text)[turn::10])
        counts = words(60_000)
        tree = Tree(0.5)
        for _ in range(15_000):
            tree.insert(random.random())
        parts = sorted(text.split('"'))
        kept.append("".join(parts[: len(parts) // 4]) + str(len(counts)))
    print(sum(len(part) for part in kept))


main()
