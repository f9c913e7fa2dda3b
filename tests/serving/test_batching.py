"""Requests that share calls: right rows to each, in few calls."""

import asyncio
import concurrent.futures
import threading

import numpy as np
import pytest

from ganzoo.serving.batching import MicroBatcher


class Doubler:
    """Doubles rows; negative ones are refused. The first call can be held."""

    def __init__(self):
        self.sizes = []
        self.may_go = threading.Event()

    def __call__(self, arrays):
        self.sizes.append(len(arrays["x"]))
        assert self.may_go.wait(10)
        if (arrays["x"] < 0).any():
            raise ValueError("negative")
        return {"y": 2 * arrays["x"]}


def answer(requests, most_rows=10):
    """Sends all while the first is being answered: (answers, call sizes)."""
    doubler = Doubler()

    async def main():
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            batcher = MicroBatcher(doubler, most_rows, executor)
            tasks = []
            for rows in requests:
                call = batcher({"x": np.array(rows)}, len(rows))
                tasks.append(asyncio.create_task(call))
                await asyncio.sleep(0)  # Lets the task begin.
            while not doubler.sizes:
                await asyncio.sleep(0.001)
            doubler.may_go.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(main()), doubler.sizes


def test_those_who_wait_share_a_call():
    requests = [[1], [2, 3], [4], [5, 6, 7]]
    answers, sizes = answer(requests)
    assert sum(sizes) == 7
    assert len(sizes) <= 2
    for rows, found in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(found["y"], 2 * np.array(rows))


def test_a_call_takes_no_more_rows_than_it_may():
    requests = [[i] * 4 for i in range(6)]
    answers, sizes = answer(requests, most_rows=8)
    assert sum(sizes) == 24
    assert max(sizes) <= 8
    for rows, found in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(found["y"], 2 * np.array(rows))


def test_one_bad_request_spoils_no_other():
    answers, _ = answer([[1], [2], [-1], [3]])
    assert isinstance(answers[2], ValueError)
    for index, value in ((0, 2), (1, 4), (3, 6)):
        np.testing.assert_array_equal(answers[index]["y"], [value])


def test_it_works_again_after_all_is_done():
    doubler = Doubler()
    doubler.may_go.set()

    async def main():
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            batcher = MicroBatcher(doubler, 10, executor)
            for value in (1, 2):
                found = await batcher({"x": np.array([value])}, 1)
                np.testing.assert_array_equal(found["y"], [2 * value])
            with pytest.raises(ValueError, match="negative"):
                await batcher({"x": np.array([-1])}, 1)

    asyncio.run(main())
    assert doubler.sizes == [1, 1, 1]
