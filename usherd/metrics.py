"""Prometheus metrics; every label has a bounded set of values."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

registry = CollectorRegistry()

requests = Counter(
    "usherd_requests_total",
    "Requests answered, by route pattern, method and status.",
    ("route", "method", "status"),
    registry=registry,
)
seconds = Histogram(
    "usherd_request_seconds",
    "Time from the request's head to its answer.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
    registry=registry,
)
published = Counter(
    "usherd_events_total", "Events published, by pattern.", ("event",), registry=registry
)
hashing = Gauge("usherd_hashing_jobs", "Passwords waiting for or in the pool.", registry=registry)


def render() -> bytes:
    """The text exposition format."""
    return generate_latest(registry)
