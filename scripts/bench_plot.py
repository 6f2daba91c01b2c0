"""Plots of benchmark records as SVG inside HTML: medians as lines, the range of the runs as bars; for bench-page."""

import html
import math
import statistics

WIDTH, HEIGHT = 400, 216
LEFT, RIGHT, TOP, BOTTOM = 42, 146, 10, 40
LINES = 6  # colours that can be told apart; more lines take a second plot

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1d21; --muted: #646a73; --rule: #e3e5e9; --card: #ffffff;
  --c0: #1f6fd1; --c1: #d9631e; --c2: #12876a; --c3: #7b3fc4; --c4: #b3266b; --c5: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --ground: #14161a; --ink: #e8eaed; --muted: #9aa1ab; --rule: #2d3138;
  --card: #1a1d22; --c0: #6aa9f7; --c1: #f2955c; --c2: #45c7a2; --c3: #b48cf0; --c4: #ee7fb0; --c5: #d9b945; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 28px 24px 48px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 20px; margin: 40px 0 2px; padding-top: 18px; border-top: 2px solid var(--ink); }
h3 { font-size: 16px; margin: 32px 0 10px; }
h3 code { font-weight: 400; color: var(--muted); font-size: 13px; margin-left: 6px; }
.lead, .facts { color: var(--muted); max-width: 78ch; margin: 0 0 8px; }
.facts { font-size: 13px; max-width: none; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px; }
figure { margin: 0; border: 1px solid var(--rule); border-radius: 6px; background: var(--card); padding: 10px 10px 4px;
  break-inside: avoid; }
figcaption { font-size: 13px; font-weight: 600; margin: 0 2px 4px; overflow-wrap: anywhere; }
figcaption span { font-weight: 400; color: var(--muted); }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--muted); }
svg text.name { fill: var(--ink); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .range { stroke-width: 6; stroke-opacity: 0.28; }
svg .leader { stroke-width: 1; stroke-opacity: 0.55; fill: none; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 12px 0 0; }
th, td { text-align: right; padding: 3px 14px 3px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
th { color: var(--muted); font-weight: 500; }
.scroll { overflow-x: auto; }
@media print { :root { --ground: #ffffff; --ink: #000000; --muted: #444444; --rule: #cccccc; --card: #ffffff;
  --c0: #1f6fd1; --c1: #d9631e; --c2: #12876a; --c3: #7b3fc4; --c4: #b3266b; --c5: #8a6d00; }
  body { padding: 0; max-width: none; font-size: 12px; } .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  h2 { break-before: auto; } h3 { break-after: avoid; } }
"""

LEAD = ("Each point is the median of the runs of one record, the broad bar behind it their range; lower is better. "
        "Figures of different machines cannot be compared, and those of one machine only as far as it was left alone: "
        "a change counts when the bars part. Figures of two cores carry the distance of the cores, in brackets.")


def escape(text):
    return html.escape(str(text), quote=True)


def number(value):
    """Three digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}" if digits else f"{round(value):,}"


def axis_number(value, step):
    """With as many decimals as the step has."""
    return f"{value:,.{max(0, -math.floor(math.log10(step)))}f}"


def nice_step(top, wanted=4):
    """A step of 1, 2 or 5 times a power of ten that gives about `wanted` lines up to `top`."""
    raw = top / wanted
    power = 10 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= raw)


def spread(wanted, gap, low, high):
    """Places near the wanted ones (sorted), at least `gap` apart and within [low, high] as far as there is room."""
    places = list(wanted)
    for _ in range(50):
        for i in range(1, len(places)):
            missing = gap - (places[i] - places[i - 1])
            if missing > 0:
                places[i - 1] -= missing / 2
                places[i] += missing / 2
        for i, place in enumerate(places):  # each may go as far as leaves room for those beyond it
            places[i] = max(low + i * gap, min(place, high - (len(places) - 1 - i) * gap))
    return places


class Scale:
    """From record numbers and values to places in the drawing; values begin at 0."""

    def __init__(self, columns, top):
        self.columns, self.step = columns, nice_step(top)
        self.top = self.step * math.ceil(top / self.step)

    def x(self, column, line=0.0):
        """`line`: where among the lines, -1 to 1; a single record has its lines side by side."""
        inner = WIDTH - LEFT - RIGHT
        if self.columns == 1:
            return LEFT + inner * (1 + 0.6 * line) / 2
        return LEFT + 8 + (inner - 16) * column / (self.columns - 1)

    def y(self, value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)


def axes(scale, labels):
    parts = []
    for i in range(round(scale.top / scale.step) + 1):
        value, y = i * scale.step, scale.y(i * scale.step)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{axis_number(value, scale.step)}</text>')
    # As many dates as have room: the first and the last always.
    count = len(labels)
    every = max(1, math.ceil((count - 1) / 3)) if count > 1 else 1
    shown = [i for i in range(count) if i % every == 0 and count - 1 - i >= every] + [count - 1]
    for i in dict.fromkeys(shown):
        day, commit = labels[i]
        x = scale.x(i)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 22}" text-anchor="middle">{escape(day)}</text>'
                     f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(commit)}</text>')
    return "".join(parts)


def place_of(index, count):
    return 0.0 if count == 1 else 2 * index / (count - 1) - 1


def line_svg(scale, points, index, count, name, labels):
    parts, colour, at = [], f"var(--c{index})", place_of(index, count)
    for column, samples, unit in points:
        x, median = scale.x(column, at), statistics.median(samples)
        words = (f"{name}: {number(median)} {unit}, {number(min(samples))} to {number(max(samples))}, "
                 f"{labels[column][0]} {labels[column][1]}")
        if min(samples) != max(samples):
            parts.append(f'<line class="range" stroke="{colour}" x1="{x:.1f}" x2="{x:.1f}" '
                         f'y1="{scale.y(min(samples)):.1f}" y2="{scale.y(max(samples)):.1f}"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{scale.y(median):.1f}" r="3" fill="{colour}">'
                     f"<title>{escape(words)}</title></circle>")
    place = " ".join(f"{scale.x(column, at):.1f},{scale.y(statistics.median(samples)):.1f}"
                     for column, samples, _ in points)
    return f'<polyline stroke="{colour}" points="{place}"/>' + "".join(parts)


def names_svg(scale, lines):
    """The name and last value of each line at its right end, moved apart where they would overlap."""
    ends = sorted((scale.y(statistics.median(points[-1][1])), index) for index, (_, points) in enumerate(lines))
    places = spread([y for y, _ in ends], 14, TOP + 4, HEIGHT - BOTTOM)
    parts, edge = [], WIDTH - RIGHT + 10
    for (y, index), at in zip(ends, places):
        name, points = lines[index]
        if scale.columns > 1:
            start = scale.x(points[-1][0]) + 5
            mark = f'<path class="leader" stroke="var(--c{index})" d="M{start:.1f} {y:.1f} L{edge - 3} {at:.1f}"/>'
        else:
            mark = f'<circle cx="{edge - 7}" cy="{at:.1f}" r="3" fill="var(--c{index})"/>'
        parts.append(f'{mark}<text class="name" x="{edge}" y="{at + 4:.1f}">{escape(shorten(name))} '
                     f'{number(statistics.median(points[-1][1]))}</text>')
    return "".join(parts)


def shorten(name):
    name = name.removeprefix("rte_ring_").replace("_", " ")
    return name if len(name) <= 16 else name[:15] + "…"


def plot(title, lines, labels):
    """One figure, or several when there are more lines than colours. `lines`: {name: [(record, samples, unit)]}."""
    items = list(lines.items())
    if len(items) > LINES:
        return plot(title, dict(items[:LINES]), labels) + plot(title, dict(items[LINES:]), labels)
    unit = items[0][1][-1][2]
    scale = Scale(len(labels), max(max(samples) for _, points in items for _, samples, _ in points) * 1.02)
    drawn = "".join(line_svg(scale, points, index, len(items), name, labels)
                    for index, (name, points) in enumerate(items))
    return (f'<figure><figcaption>{escape(title)} <span>{escape(unit)}</span></figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
            f"{axes(scale, labels)}{drawn}{names_svg(scale, items)}</svg></figure>")


def summary_row(name, now, earlier):
    median = statistics.median(now["samples"])
    cells = [escape(name), escape(now["unit"]), number(median),
             f"{number(min(now['samples']))} to {number(max(now['samples']))}"]
    if earlier:
        before = statistics.median(earlier["samples"])
        cells += [number(before), f"{median / before:.2f}"]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def page(title, body):
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
            f'<p class="lead">{escape(LEAD)}</p>{body}</body></html>\n')
