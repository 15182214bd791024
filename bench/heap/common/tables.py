"""The comparison as Markdown, which is also what the terminal shows: columns are padded."""
from figures import MEASURES

LIMIT = 1.10


def table(head, rows):
    widths = [max(len(str(line[i])) for line in [head, *rows]) for i in range(len(head))]
    def line(cells):
        padded = [str(cells[0]).ljust(widths[0])] + [str(cell).rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"
    rule = "| " + " | ".join(["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]) + " |"
    return "\n".join([line(head), rule, *map(line, rows)]) + "\n"


def ratio_text(ratio, mark=False):
    if ratio is None:
        return "-"
    return f"{ratio:.2f} !" if mark and ratio > LIMIT else f"{ratio:.2f}"


def threads_text(count):
    return f"{count} thread{'s' if count > 1 else ''}"


def summary(figures):
    """One line for each allocator: geometric means of the ratios to the best peer of each row."""
    columns = [(f"{title}, {threads_text(count)}", key, count)
               for key, title, _, _ in MEASURES[:2] for count in figures.threads()]
    columns.append(("peak RSS", "rss_kib", None))
    head = ["geometric mean over the best peer"] + [title for title, _, _ in columns] + ["slowest row", "ratio", "rows over 1.10"]
    rows = []
    for allocator in figures.allocators:
        ratio, row = figures.worst(allocator.name, "wall")
        over = sum((figures.ratio(row, allocator.name, "wall") or 0) > LIMIT for row in figures.rows)
        rows.append([allocator.name] + [ratio_text(figures.mean(allocator.name, key, count)) for _, key, count in columns]
                    + [label(row), ratio_text(ratio), over])
    return table(head, rows)


def label(row):
    return row.name if row.threads in (None, 1) else f"{row.name} x{row.threads}"


def details(figures, measure):
    """One line for each row: the best peer's figure, and each allocator as a ratio to it; `!` marks a subject over the limit."""
    key, title, unit, factor = measure
    names = [allocator.name for allocator in figures.allocators]
    rows = []
    for row in figures.rows:
        best, who = figures.best(row, key)
        if best is None:
            continue
        ratios = [ratio_text(figures.ratio(row, name, key), mark=name in figures.subjects and bool(figures.peers)) for name in names]
        rows.append([label(row), who, f"{best * factor:.1f}", *ratios])
    return table([title, "best peer", unit, *names], rows)


def worst_calls(figures):
    """The slowest single calls. Of the maxima the least counts: the machine can only make them larger."""
    names = [allocator.name for allocator in figures.allocators]
    text = []
    for key, title, least in (("worst_p9999_ns", "99.99 % of the calls take at most, ns", False), ("worst_max_ns", "slowest call, µs (least of the rounds)", True)):
        rows = []
        for row in figures.rows:
            cells = []
            for name in names:
                values = [run[key] for run in figures.runs.get((row, name), [])]
                cells.append("-" if not values else f"{min(values) / 1000:.0f}" if least else f"{figures.figure(row, name, key):.0f}")
            rows.append([label(row), *cells])
        text.append(table([title, *names], rows))
    return "\n".join(text)


def report(figures):
    return "\n".join([summary(figures)] + [details(figures, measure) for measure in MEASURES] + failures(figures))


def failures(figures):
    """What an allocator could not do; its cells are empty."""
    return [f"* {label(row)} with {name} failed: {reason}\n" for (row, name), reason in figures.failures.items()]
