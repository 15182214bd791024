"""Plots by gnuplot: one dot for each allocator in each row, and bars for the geometric means; SVG and PNG."""
import subprocess

import tables
from figures import MEASURES

NEEDS = [("gnuplot", "gnuplot-nox")]
COLOURS = ["#4477aa", "#66ccee", "#228833", "#ccbb44", "#aa3377", "#777777", "#000000"]
SUBJECT = "#ee3311"
TERMINALS = {"svg": 'svg size {0},{1} background "white" font "sans,12"', "png": 'pngcairo size {0},{1} font "sans,11"'}


def colours(figures):
    others = iter(COLOURS * len(figures.allocators))
    return [SUBJECT if allocator.subject else next(others) for allocator in figures.allocators]


def run(script, folder, name, width, height):
    folder.mkdir(parents=True, exist_ok=True)
    for kind, terminal in TERMINALS.items():
        head = f'set terminal {terminal.format(width, height)}\nset output "{folder / name}.{kind}"\n'
        subprocess.run(["gnuplot"], input=head + script, text=True, capture_output=True, check=True)


def block(name, lines):
    return f"${name} << END\n" + "\n".join(lines) + "\nEND\n"


def quoted(text):
    return '"' + text.replace("_", " ") + '"'


def left_end(figures, rows, key):
    """Where the axis begins: a little to the left of the least ratio."""
    ratios = [figures.ratio(row, allocator.name, key) for row in rows for allocator in figures.allocators]
    return min([1.0] + [ratio for ratio in ratios if ratio]) * 0.9


def dots(figures, key, title):
    """Rows from above to below, the ratio to the best peer to the right, on a logarithmic axis."""
    rows = [row for row in figures.rows if figures.best(row, key)[0]]
    script = ""
    for number, allocator in enumerate(figures.allocators):
        script += block(f"d{number}", [f"{figures.ratio(row, allocator.name, key)} {-place}" for place, row in enumerate(rows)
                                       if figures.ratio(row, allocator.name, key)])
    labels = ", ".join(f"{quoted(tables.label(row))} {-place}" for place, row in enumerate(rows))
    script += f"""set title "{title}: ratio to the best peer (left is better)" noenhanced
set logscale x 2
set xtics ("0.5" 0.5, "0.7" 0.7, "1" 1, "1.5" 1.5, "2" 2, "3" 3, "4" 4, "6" 6, "8" 8, "16" 16, "32" 32)
set ytics ({labels}) noenhanced
set yrange [{-len(rows)}:1]
set grid y lt 1 lc "#dddddd"
set arrow from 1, graph 0 to 1, graph 1 nohead lc "#888888"
set arrow from {tables.LIMIT}, graph 0 to {tables.LIMIT}, graph 1 nohead dt 2 lc "#bbbbbb"
set bmargin 3
set xrange [{left_end(figures, rows, key):.2f}:*]
set key outside top center horizontal noenhanced
"""
    parts = []
    for number, (allocator, colour) in enumerate(zip(figures.allocators, colours(figures))):
        size, point = (1.4, 13) if allocator.subject else (1.0, 7)
        parts.append(f'$d{number} using 1:2 with points pt {point} ps {size} lc "{colour}" title {quoted(allocator.name)}')
    return script + "plot " + ", ".join(parts) + "\n", 900, max(300, 160 + 20 * len(rows))


def mean_columns(figures):
    columns = [(f"{title}\\n{tables.threads_text(count)}" if len(figures.threads()) > 1 else title, key, count)
               for key, title, _, _ in MEASURES[:2] for count in figures.threads()]
    return columns + [("peak RSS", "rss_kib", None)]


def bars(figures):
    columns = mean_columns(figures)
    lines = [" ".join([quoted(title)] + [str(figures.mean(allocator.name, key, count) or "NaN") for allocator in figures.allocators])
             for title, key, count in columns]
    script = block("means", lines) + """set title "geometric mean of the ratio to the best peer of each row (lower is better)"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set yrange [0:*]
set bmargin 4
set grid y lt 1 lc "#dddddd"
set key outside top center horizontal noenhanced
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc "#888888" front
"""
    parts = [f'$means using {number + 2}{":xtic(1)" if number == 0 else ""} lc "{colour}" title {quoted(allocator.name)}'
             for number, (allocator, colour) in enumerate(zip(figures.allocators, colours(figures)))]
    return script + "plot " + ", ".join(parts) + "\n", 1100, 460


def draw(figures, folder, name):
    """NAME-means, NAME-time, NAME-cpu, NAME-rss."""
    run(bars(figures)[0], folder, f"{name}-means", *bars(figures)[1:])
    for key, title, _, _ in MEASURES:
        script, width, height = dots(figures, key, title)
        run(script, folder, f"{name}-{key.split('_', maxsplit=1)[0]}", width, height)
