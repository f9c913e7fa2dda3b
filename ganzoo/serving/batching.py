"""Rows of many requests in one call: what comes during a call waits for it."""

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]


class _Waiting(NamedTuple):
    arrays: Arrays
    num_rows: int
    answer: asyncio.Future


class MicroBatcher:
    """Answers concurrent requests by as few calls as possible, in order.

    Nobody waits for a batch to fill: a request that finds the function idle is
    answered at once, and those that come meanwhile form the next batch.

    Args:
        function: Arrays by name -> arrays by name, row by row.
        most_rows: In one call.
        executor: Runs the calls.
    """

    def __init__(
        self,
        function: Callable[[Arrays], Arrays],
        most_rows: int,
        executor: concurrent.futures.Executor,
    ):
        self.function = function
        self.most_rows = most_rows
        self.executor = executor
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task | None = None

    @property
    def num_waiting(self) -> int:
        """Rows that no call has taken yet."""
        return sum(request.num_rows for request in self._waiting)

    async def __call__(self, arrays: Arrays, num_rows: int) -> Arrays:
        """The function's answer for these rows."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrays, num_rows, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft()]
            total = batch[0].num_rows
            while (
                self._waiting
                and total + self._waiting[0].num_rows <= self.most_rows
            ):
                batch.append(self._waiting.popleft())
                total += batch[-1].num_rows
            await self._answer(batch)

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await asyncio.get_running_loop().run_in_executor(
                self.executor, self._call, batch
            )
        except Exception as error:
            if len(batch) > 1:  # One bad request must not spoil the others'.
                for request in batch:
                    await self._answer([request])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        for request, answer in zip(batch, answers, strict=True):
            if not request.answer.done():  # Or its client has gone.
                request.answer.set_result(answer)

    def _call(self, batch: Sequence[_Waiting]) -> list[Arrays]:
        names = batch[0].arrays
        together = {
            name: np.concatenate([request.arrays[name] for request in batch])
            for name in names
        }
        outputs = self.function(together)
        ends = np.cumsum([request.num_rows for request in batch])
        return [
            {
                name: values[end - request.num_rows : end]
                for name, values in outputs.items()
            }
            for request, end in zip(batch, ends, strict=True)
        ]
