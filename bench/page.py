"""Writes docs/performance.md and its plots from the newest results: `python -m bench.page`.

What the results say is first put into docs/performance.json; the page is made from that file alone,
so that a test can hold the one to the other.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import msgspec

from bench import plot
from bench.measure import share
from bench.report import FOLDER

DOCS = Path(__file__).parent.parent / "docs"
LIMIT = 1.5
"""How much more the largest database may cost than the smallest, where an index serves."""

INTRO = """# Performance

Written by `python -m bench.page` from the results of the commands named below, of which
`make bench-long` runs the full form; the figures are in `docs/performance.json`.
How they are taken: [bench/README.md](../bench/README.md). Compare ratios: what is compared took
turns within one run. *Spread* is (slowest round - fastest round) / median.
"""

ONE = """## One process

The server has one core, the load generator the other; PostgreSQL shares both. On SQLite the
generator never sleeps, so that no answer pays for waking it. *uvicorn's constant
answer* is what uvicorn, httptools and uvloop reach as they come, with an application that does
nothing but send as many bytes; *our connections'* is the same by usherd's own
([decision 19](decisions/0019-own-connections.md)). *The bare loop* does the same work without
usherd: for reads on PostgreSQL ten connections of asyncpg behind uvicorn, a query a request, which
reads that share a query can outdo; for updates the same statements, 64 to a commit; for sign-ins
passwords alone.
"""

LISTS = """## Lists and search

One connection asks, and latencies are in milliseconds over HTTP: p50, and p99 in brackets.
*Growth* is p50 with the most users by p50 with the fewest, the median over the rounds. `total`
counts to 5,000: where fewer match in the small database there is less to count, and the total grows
with what it says. 408 is the time limit of a second that these servers had; the default is ten.
*Users* is how many a page holds, where it differs in the smallest and in the largest database: what
has less to answer is not compared. † marks what no index can serve, since what has to be read grows
with the users whichever is taken: a range in an order that is not the range's and whose first users
come late, less than three characters somewhere in a text, and words that many have and nobody
together.
"""

AS_FULL = 0.9
"""A page of the smallest database with such a share of the largest's users may be compared."""


def collect() -> dict[str, Any]:
    """The newest results of each program, rounded; what has not run stays as it was."""
    path = DOCS / "performance.json"
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    for name in PARTS:
        file = FOLDER / f"{name}.json"
        if file.exists():
            found[name] = _rounded(msgspec.json.decode(file.read_bytes()))
    return found


def _rounded(value: Any) -> Any:
    """Four digits say all that was measured."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value


def encode(found: dict[str, Any]) -> bytes:
    """The file, with a line for each record, so that changes can be read."""
    return msgspec.json.encode(found).replace(b'},{"', b'},\n{"') + b"\n"


# -- the parts of the page --


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; all columns but the first are figures."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _spread(values: list[float]) -> str:
    return f"{(max(values) - min(values)) / statistics.median(values):.0%}"


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _head(run: dict[str, Any]) -> str:
    machine = run["machine"]
    parts = ", ".join(
        f"{name} {machine[name]}" for name in ("python", "uvicorn", "apsw", "asyncpg")
    )
    where = f"{machine['cores']} cores of {machine['cpu']}, {parts}"
    return f"`{run['command']}`, {run['date']}: {where}.\n"


def bench(run: dict[str, Any]) -> str:
    """What `python -m bench` has found."""
    parts = [ONE, _head(run)]
    for engine in run["found"]:
        rows = []
        for one in engine["results"]:
            shares = [share(one["rates"], one.get(most)) for most in ("ceiling_rates", "own_rates")]
            bare = one["bare_rate"]
            rows.append([
                one["says"], f"{_median(one['rates']):,.0f}", _spread(one["rates"]),
                f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}",
                *(f"{part:.0%}" if part is not None else "" for part in shares),
                f"{_median(one['rates']) / bare:.0%}" if bare else "",
            ])  # fmt: skip
        head = [f"{engine['engine']}, {engine['users']:,} users", "req/s", "spread", "p50 ms",
                "p99 ms", "of uvicorn's constant answer", "of our connections' constant answer",
                "of the bare loop"]  # fmt: skip
        parts.append(table(head, rows))
    return "\n".join(parts)


def _cell(cost: dict[str, float] | None) -> str:
    return f"{cost['p50_ms']:.2f} ({cost['p99_ms']:.2f})" if cost else "408"


def _users(row: dict[str, Any]) -> str:
    """How many a page holds in the smallest and in the largest database."""
    found = [f"{cost['users']:.0f}" for cost in (row["costs"][0], row["costs"][-1]) if cost]
    return " and ".join(dict.fromkeys(found))


def _as_full(row: dict[str, Any]) -> bool:
    """Whether the smallest database has as much to answer as the largest."""
    small, large = row["costs"][0], row["costs"][-1]
    return not (small and large) or bool(small["users"] >= AS_FULL * large["users"])


def _good(rows: list[dict[str, Any]]) -> int:
    return sum(row["growth"] is not None and row["growth"] <= LIMIT for row in rows)


def _growth(row: dict[str, Any]) -> str:
    return f"{row['growth']:.2f}" if row["growth"] is not None else ""


def lists(run: dict[str, Any]) -> str:
    """What `python -m bench.lists` has found."""
    parts = [LISTS, _head(run)]
    for engine in run["found"]:
        name, sizes, rows = engine["engine"], engine["sizes"], engine["rows"]
        pages = [row for row in rows if not row["total"]]
        served = [row for row in pages if row["served"]]
        alike = [row for row in served if _as_full(row)]
        fewer = [row for row in served if not _as_full(row)]
        parts.append(
            f"### {name}\n\n{_good(alike)} of the {len(alike)} pages that an index can serve, and "
            f"that are as full, cost at most {LIMIT} times as much with {sizes[-1]:,} users as "
            f"with {sizes[0]:,}; of the {len(fewer)} that hold fewer users there, {_good(fewer)} "
            "do.\n\n"
            f"![Growth of each list](performance-lists-{name}.svg)\n"
        )
        head = ["users", *(f"{size:,}" for size in sizes), "growth", "with total", "growth"]
        for group in dict.fromkeys(row["group"] for row in rows):
            lines = []
            for page in (row for row in pages if row["group"] == group):
                (counted,) = (r for r in rows if r["total"] and r["name"] == page["name"]
                              and r["group"] == group)  # fmt: skip
                lines.append([
                    page["name"] + ("" if page["served"] else " †"), _users(page),
                    *(_cell(cost) for cost in page["costs"]), _growth(page),
                    _cell(counted["costs"][-1]), _growth(counted),
                ])  # fmt: skip
            parts.append(table([group, *head], lines))
        beside = engine["beside"]
        if beside:
            alone, both = beside["alone"], beside["beside"]
            parts.append(
                f"Reads by id on 8 connections at {sizes[-1]:,} users: p99 {_median(alone):.1f} ms "
                f"(spread {_spread(alone)}); beside 4 connections whose lists no index serves: "
                f"{_median(both):.1f} ms (spread {_spread(both)}).\n"
            )
    return "\n".join(parts)


def footprint(run: dict[str, Any]) -> str:
    """What `python -m bench.footprint` has found."""
    parts = ["## Memory, cold start, disk\n", _head(run),
             "![Memory while requests are answered](performance-memory.svg)\n"]  # fmt: skip
    rows, sizes = [], []
    for one in run["found"]:
        memory, sizes = one["memory_mb"], list(one["starts"])
        starts = [
            f"{_median(one['starts'][size]):.2f} s ({_spread(one['starts'][size])})"
            for size in sizes
        ]
        disk = one["disk"][sizes[-1]]["everything"] / int(sizes[-1])
        rows.append([
            one["engine"], f"{memory[0]:.0f} MB", f"{memory[len(memory) // 2]:.0f} MB",
            f"{memory[-1]:.0f} MB", f"{one['idle_kb']:.1f} kB", *starts, f"{disk:,.0f} B",
        ])  # fmt: skip
    asked = run["found"][0]["requests"][-1]
    head = ["engine", "at the start", "half way", f"after {asked:,} requests", "idle connection",
            *(f"first answer, {int(size):,} users (spread)" for size in sizes),
            "disk for a user"]  # fmt: skip
    parts.append(table(head, rows))
    for one in run["found"]:
        disk = dict(one["disk"][sizes[-1]])
        disk.pop("everything")
        if disk:
            largest = sorted(disk.items(), key=lambda item: -item[1])[:20]
            lines = [[f"`{name}`", f"{size / int(sizes[-1]):,.0f}"] for name, size in largest]
            parts.append(table([f"{one['engine']}: table or index", "bytes for a user"], lines))
    return "\n".join(parts)


def workers(run: dict[str, Any]) -> str:
    """What `python -m bench.workers` has found."""
    parts = ["## Workers on PostgreSQL\n", _head(run),
             "PostgreSQL and the load generator share the cores with the workers.\n",
             "![Throughput by workers](performance-workers.svg)\n"]  # fmt: skip
    rows = []
    for one in run["found"]["scaled"]:
        database = one["database_per_core"]
        rows.append([
            f"{one['name']}, workers: {one['workers']}", f"{_median(one['rates']):,.0f}",
            _spread(one["rates"]), f"{_median(one['per_core']):,.0f}",
            f"{_median(database):,.0f}" if database else "",
        ])  # fmt: skip
    head = ["asked", "req/s", "spread", "for a second of usherd's processor",
            "for a second of PostgreSQL's"]  # fmt: skip
    parts.append(table(head, rows))
    return "\n".join(parts)


def recovery(run: dict[str, Any]) -> str:
    """What `python -m bench.recovery` has found."""
    parts = ["## When PostgreSQL comes back\n", _head(run)]
    rows = []
    for one in run["found"]:
        times = [f"{_median(one[key]):.0f} ms, {max(one[key]):.0f} ms" for key in
                 ("read_ms", "write_ms")]  # fmt: skip
        rows.append([one["event"], str(len(one["read_ms"])), *times, f"{one['refused']:,}",
                     f"{one['slowest_ms']:.0f} ms"])  # fmt: skip
    head = ["what has happened", "rounds", "first read after (median, most)",
            "first write after (median, most)", "refused with 503", "slowest answer"]  # fmt: skip
    parts.append(table(head, rows))
    return "\n".join(parts)


PARTS = {"bench": bench, "lists": lists, "footprint": footprint, "workers": workers,
         "recovery": recovery}  # fmt: skip


def page(found: dict[str, Any]) -> str:
    """The page in Markdown."""
    return "\n".join([INTRO, *(make(found[name]) for name, make in PARTS.items() if name in found)])


def plots(found: dict[str, Any]) -> dict[str, str]:
    """The plots of the page, by file name."""
    made = {}
    for engine in found.get("lists", {}).get("found", []):
        pages = [row for row in engine["rows"] if not row["total"]]
        title = f"{engine['engine']}: p50 with {engine['sizes'][-1]:,} users by p50 with "
        made[f"performance-lists-{engine['engine']}.svg"] = plot.dots(
            f"{title}{engine['sizes'][0]:,}",
            [(f"{row['group']}: {row['name']}"[:44], row["growth"]) for row in pages], LIMIT,
        )  # fmt: skip
    if "footprint" in found:
        series = [
            (one["engine"], list(zip(one["requests"], one["memory_mb"], strict=True)))
            for one in found["footprint"]["found"]
        ]
        made["performance-memory.svg"] = plot.lines(
            "Resident memory", "requests answered", "MB", series
        )
    if "workers" in found:
        scaled = found["workers"]["found"]["scaled"]
        by_name = {
            name: [(one["workers"], _median(one["rates"])) for one in scaled if one["name"] == name]
            for name in dict.fromkeys(one["name"] for one in scaled)
        }
        made["performance-workers.svg"] = plot.lines(
            "Throughput by workers", "workers", "requests a second", list(by_name.items())
        )
    return made


def main() -> None:
    """Collect, and write everything."""
    found = collect()
    if not found:
        sys.exit("There are no results yet: run `make bench` first.")
    (DOCS / "performance.json").write_bytes(encode(found))
    found = msgspec.json.decode((DOCS / "performance.json").read_bytes())
    for name, text in {"performance.md": page(found), **plots(found)}.items():
        (DOCS / name).write_text(text)
    print("Written to docs/performance.md")


if __name__ == "__main__":
    main()
