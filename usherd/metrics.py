"""Prometheus metrics; every label has a bounded set of values."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds in seconds."""


class Requests(Collector):
    """What was answered, counted by the loop thread alone and therefore without locks."""

    def __init__(self) -> None:
        self._answers: Tally[tuple[str, str, int]] = Tally()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request of a route pattern was answered after so many seconds."""
        self._answers[route, method, status] += 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads."""
        answers = CounterMetricFamily(
            "usherd_requests", "Requests answered, by route pattern, method and status.",
            labels=("route", "method", "status"),
        )  # fmt: skip
        for (route, method, status), count in self._answers.items():
            answers.add_metric((route, method, str(status)), count)
        yield answers
        seconds = HistogramMetricFamily(
            "usherd_request_seconds", "Time from the request's head to its answer."
        )
        reached, sums = 0, []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self._buckets, strict=True):
            reached += count
            sums.append((bound, float(reached)))
        seconds.add_metric((), sums, self._seconds)
        yield seconds


registry = CollectorRegistry()
requests = Requests()
registry.register(requests)
published = Counter(
    "usherd_events_total", "Events published, by pattern.", ("event",), registry=registry
)
published_as = lru_cache(maxsize=None)(published.labels)
"""The count of a pattern; there are as many as the table has."""
messages = Counter(
    "usherd_messages_total", "Mails and text messages, by what became of them.",
    ("channel", "outcome"), registry=registry,
)  # fmt: skip
waiting = Gauge(
    "usherd_messages_waiting", "Mails and text messages that are not sent yet.", ("channel",),
    registry=registry,
)  # fmt: skip
hashing = Gauge("usherd_hashing_jobs", "Passwords waiting for or in the pool.", registry=registry)


def render() -> bytes:
    """The text exposition format."""
    return generate_latest(registry)
