"""What never waits needs no task; what waits goes on in one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from usherd import eager


def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    return eager.start(work, asyncio.get_running_loop())


async def test_what_never_waits_is_done_at_once() -> None:
    done = []

    async def work() -> None:
        done.append(asyncio.current_task())

    here = asyncio.current_task()
    assert begin(work()) is None
    assert done == [here]


async def test_what_waits_goes_on_in_a_task_of_its_own() -> None:
    seen: list[Any] = []
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        seen.append("begun")
        seen.append(await answer)
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("timed out")

    task = begin(work())
    assert task is not None
    assert seen == ["begun"]
    answer.set_result("answered")
    await task
    assert seen == ["begun", "answered", task, "timed out"]


async def test_an_answer_that_comes_before_the_task_is_not_lost() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen = []

    async def work() -> None:
        seen.append(await answer)

    task = begin(work())
    answer.set_result("early")  # the task has not had its first turn
    assert task is not None
    await task
    assert seen == ["early"]


async def test_errors_of_what_is_waited_for_arrive() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen = []

    async def work() -> None:
        try:
            await answer
        except KeyError as error:
            seen.append(error.args)
        raise ValueError("the end")

    task = begin(work())
    answer.set_exception(KeyError("sad"))
    assert task is not None
    with pytest.raises(ValueError, match="the end"):
        await task
    assert seen == [("sad",)]


async def test_it_can_be_cancelled_and_cleans_up() -> None:
    seen = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    task = begin(work())
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cleaned up"]


def test_as_task_makes_one_where_there_is_none() -> None:
    """The event loop calls connections outside of any task."""
    loop = asyncio.new_event_loop()
    seen = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await eager.as_task()
        seen.append(asyncio.current_task())
        async with asyncio.timeout(1):
            await asyncio.sleep(0)
        await eager.as_task()
        loop.stop()

    tasks = []
    loop.call_soon(lambda: tasks.append(eager.start(work(), loop)))
    loop.run_forever()
    loop.run_until_complete(tasks[0])
    loop.close()
    assert seen == [None, tasks[0]]
