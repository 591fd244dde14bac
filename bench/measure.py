"""Measures one scenario: usherd and the ceiling in turns, so that both meet the same machine."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

from bench import load, scenarios
from bench.load import Measured, Stream, Unexpected
from bench.scenarios import Scenario, World
from bench.servers import CORES, Server

WARM_UP_SECONDS = 0.3
BESIDE_CONNECTIONS = 8
"""Connections that read while others sign in."""


class Plan(msgspec.Struct, frozen=True):
    """How long to measure."""

    rounds: int
    seconds: float


class Result(msgspec.Struct):
    """One line of the table. Latencies are medians over the rounds."""

    engine: str
    name: str
    says: str
    connections: int
    rates: list[float]
    p50_ms: float
    p99_ms: float
    load_busy: float
    ceiling_rates: list[float] | None = None
    own_rates: list[float] | None = None
    """The constant answer by usherd's own connections."""
    bare_rate: float | None = None
    """The same work without a server around it, a second; None where that means nothing."""

    @property
    def rate(self) -> float:
        """The median round, in answers a second."""
        return statistics.median(self.rates)

    @property
    def ratio(self) -> float | None:
        """The median over the rounds of usherd's rate by the ceiling's."""
        return share(self.rates, self.ceiling_rates)


def share(ours: Sequence[float], most: Sequence[float] | None) -> float | None:
    """The median over the rounds of one rate by another."""
    if most is None:
        return None
    return statistics.median(one / other for one, other in zip(ours, most, strict=True))


def spread(rates: Sequence[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    return (max(rates) - min(rates)) / statistics.median(rates)


def _result(
    engine: str, scenario: Scenario, ours: list[Measured], most: list[Measured] | None
) -> Result:
    return Result(
        engine,
        scenario.name,
        scenario.says,
        scenario.connections,
        [round.rate for round in ours],
        statistics.median(round.p50_ms for round in ours),
        statistics.median(round.p99_ms for round in ours),
        statistics.median(round.load_busy for round in ours),
        [round.rate for round in most] if most else None,
    )


def first_answer(server: Server, scenario: Scenario, world: World) -> bytes:
    """The body of one answer, once it has been found right. Raises `Unexpected`."""
    head, _, body = next(scenario.source(world)).partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    method, path, _ = line.split(" ")
    headers = dict(field.split(": ", 1) for field in fields)
    status, answer = server.call(method, path, body, headers)
    if status != scenario.status or not scenario.check(msgspec.json.decode(answer)):
        shown = answer[: load.SHOWN_BYTES].decode("utf-8", "replace")
        raise Unexpected(f"{scenario.name}: {method} {path} answered {status}:\n{shown}")
    return answer


def scenario(
    engine: str,
    scenario: Scenario,
    world: World,
    plan: Plan,
    server: Server,
    ceiling: Server,
    **others: Server,
) -> list[Result]:
    """Rounds of usherd and of the ceiling, which gives usherd's own first answer every time.

    Others may take their turns: `own`, the ceiling of usherd's connections, and `bare`, the loop.
    """
    servers = {"usherd": server, "ceiling": ceiling} | others
    awake = engine == "sqlite" and len(CORES) > 1  # PostgreSQL needs the generator's core
    answer = first_answer(server, scenario, world)
    for name, each in servers.items():
        if name != "usherd":
            each.call("PUT", f"/answer/{scenario.status}", answer)
    streams = {
        name: Stream(scenario.source(world), scenario.connections, scenario.status)
        for name in servers
    }
    if scenario.name == "create":
        next(streams["usherd"].requests)  # was the first answer
    found: dict[str, list[Measured]] = {name: [] for name in servers}
    for name, each in servers.items():
        load.run(each.port, [streams[name]], WARM_UP_SECONDS, awake=awake)
    asked = 0.0
    while scenario.everybody_first and asked < len(world.people):
        asked += load.run(server.port, [streams["usherd"]], 1.0, awake=awake)[0].rate
    for _ in range(plan.rounds):
        for name, each in servers.items():
            found[name] += load.run(each.port, [streams[name]], plan.seconds, awake=awake)
    result = _result(engine, scenario, found["usherd"], found["ceiling"])
    if "own" in found:
        result.own_rates = [round.rate for round in found["own"]]
    if "bare" in found:
        result.bare_rate = statistics.median(round.rate for round in found["bare"])
    return [result]


def sign_in(
    engine: str, scenario: Scenario, world: World, plan: Plan, server: Server, ceiling: Server
) -> list[Result]:
    """Sign-ins with reads beside them, the same reads alone, and the ceiling, in turns."""
    answer = first_answer(server, scenario, world)
    ceiling.call("PUT", f"/answer/{scenario.status}", answer)
    server.spread_over_all_cores()
    reads = Stream(scenarios.read(world), BESIDE_CONNECTIONS, 200)
    ours, most = (
        Stream(scenario.source(world), scenario.connections, scenario.status) for _ in range(2)
    )
    load.run(server.port, [ours, reads], WARM_UP_SECONDS)
    load.run(ceiling.port, [most], WARM_UP_SECONDS)
    signed_in, beside, alone, constant = [], [], [], []
    for _ in range(plan.rounds):
        one, other = load.run(server.port, [ours, reads], max(1.0, plan.seconds))
        signed_in.append(one)
        beside.append(other)
        alone += load.run(server.port, [reads], plan.seconds)
        constant += load.run(ceiling.port, [most], plan.seconds)
    read = Scenario("read-beside", "GET a user, beside sign-ins", scenarios.read,
                    lambda _: True, BESIDE_CONNECTIONS)  # fmt: skip
    quiet = msgspec.structs.replace(read, name="read-alone", says="GET a user, the same alone")
    return [
        _result(engine, scenario, signed_in, constant),
        _result(engine, read, beside, None),
        _result(engine, quiet, alone, None),
    ]
