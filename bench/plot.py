"""Plots as SVG, a few lines each: nothing to install, and they change only when figures do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH = 720
INK, FAINT = "#333", "#ccc"
COLOURS = ("#2563eb", "#ea580c", "#16a34a", "#9333ea")

Points = Sequence[tuple[float, float]]


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{INK}">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = FAINT) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def dots(title: str, rows: Sequence[tuple[str, float | None]], limit: float) -> str:
    """A dot for each row on a logarithmic scale from 0.5 up, and a line at the limit; a row
    without a figure says 408."""
    left, top, step = 300, 50, 17
    most = max(limit * 2, *(value for _, value in rows if value is not None))
    span = math.log(most / 0.5)

    def place(value: float) -> float:
        return left + (WIDTH - left - 50) * math.log(max(value, 0.5) / 0.5) / span

    height = top + step * len(rows) + 20
    parts = [_text(10, 22, title, size=15)]
    mark = 0.5
    while mark <= most:
        parts.append(_line(place(mark), top - 8, place(mark), height - 15))
        parts.append(_text(place(mark), top - 12, f"{mark:g}", "middle", 10))
        mark *= 2 if mark < 8 else 4
    parts.append(_line(place(limit), top - 8, place(limit), height - 15, COLOURS[1]))
    for at, (name, value) in enumerate(rows):
        y = top + step * at + 8
        parts.append(_text(left - 10, y + 4, name, "end", 11))
        if value is None:
            parts.append(_text(WIDTH - 40, y + 4, "408", size=11))
        else:
            parts.append(_dot(place(value), y, COLOURS[0 if value <= limit else 1]))
    return _svg(height, parts)


def lines(title: str, across: str, up: str, series: Sequence[tuple[str, Points]]) -> str:
    """A line for each series, from nothing upwards."""
    left, right, top, bottom, height = 80, 160, 50, 50, 320
    most_x = max(x for _, points in series for x, _ in points)
    most_y = max(y for _, points in series for _, y in points) * 1.1

    def place(x: float, y: float) -> tuple[float, float]:
        wide, high = WIDTH - left - right, height - top - bottom
        return left + wide * x / most_x, height - bottom - high * y / most_y

    parts = [_text(10, 22, title, size=15)]
    for at in range(5):
        x, y = place(most_x * at / 4, most_y * at / 4)
        parts.append(_line(left, y, WIDTH - right, y))
        parts.append(_text(left - 8, y + 4, f"{most_y * at / 4:,.0f}", "end", 10))
        parts.append(_text(x, height - bottom + 16, f"{most_x * at / 4:,.4g}", "middle", 10))
    parts.append(_text(left, top - 10, up, size=11))
    parts.append(_text(WIDTH - right, height - 12, across, "end", 11))
    for at, (name, points) in enumerate(series):
        colour = COLOURS[at % len(COLOURS)]
        placed = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        parts += [_dot(x, y, colour) for x, y in placed]
        parts.append(_text(placed[-1][0] + 8, placed[-1][1] + 4 - 12 * (at % 2), name, size=11))
    return _svg(height, parts)
