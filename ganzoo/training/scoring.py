"""Numbers on the way: evaluators every so often, and the best checkpoint."""

import math
import time
from collections.abc import Sequence
from typing import Any

from ganzoo.checks import check_list
from ganzoo.errors import ConfigurationError
from ganzoo.gan import Gan
from ganzoo.scores.evaluation import samplers, told_apart
from ganzoo.scores.yielded import numbers
from ganzoo.training.callbacks import MetricsLog
from ganzoo.training.saving import Saver

_SIGNS = {"higher": 1.0, "lower": -1.0}


class Scores:
    """The callback that runs evaluators; the numbers go into the log.

    Each is about raw and about averaged weights, "<name>/raw", "<name>/ema",
    unless an evaluator says that these are the same to it.
    A checkpoint is saved before them, so that no failure of an evaluator costs
    what was trained. Its score is the first number of the first
    evaluator, of averaged weights where there are some, if its protocol says
    whether "higher" or "lower" is "better"; so the best checkpoint is the one
    with the best of these numbers.

    Of several workers, the chief evaluates.

    Args:
        gan: The game.
        evaluators: See `ganzoo.interfaces.Evaluator`.
        dataset: The data set.
        every_steps: Steps between two.
        saver: Saves the checkpoint.
        log: Takes the numbers; None on a worker that keeps nothing.
    """

    def __init__(
        self,
        gan: Gan,
        evaluators: Sequence[Any],
        dataset: Any,
        every_steps: int,
        saver: Saver,
        log: MetricsLog | None = None,
    ):
        check_list("train.evaluators", evaluators, "[@evaluators.parzen()]")
        self.models = samplers(gan)
        self.evaluators = evaluators
        self.dataset = dataset
        self.every_steps = every_steps
        self.saver = saver
        self.log = log

    def __call__(self, gan: Gan, step: int) -> None:
        """Saves, unless a weight is not finite, and evaluates."""
        self.saver.check(gan, step)
        self.saver.save(gan, step)
        self._score(step)

    def catch_up(self, step: int) -> None:
        """Scores the checkpoint that a run goes on from, if it ended before.

        Args:
            step: Of the checkpoint, where the game stands.
        """
        log = self.log
        if log is None or log.has_numbers or not step:
            return
        is_due = step % self.every_steps == 0 or step == log.num_steps
        if is_due and step in self.saver.checkpoints.steps():
            self._score(step)

    def _score(self, step: int) -> None:
        if self.log is None:
            return
        start = time.monotonic()
        values, score = self._evaluate()
        # The line comes last: `catch_up` takes it for a sign that all is done.
        self.saver.checkpoints.score(step, score)
        self.log.add(step, values, time.monotonic() - start)

    def _evaluate(self) -> tuple[dict[str, float], float]:
        """The values by name, and the checkpoint's score."""
        values: dict[str, float] = {}
        score = math.nan
        for index, evaluator in enumerate(self.evaluators):
            for weights, model in told_apart(evaluator, self.models).items():
                found = list(numbers(evaluator, "run", model, self.dataset))
                for result in found:
                    name = f"{result['name']}/{weights}"
                    if name in values:
                        raise ConfigurationError(
                            "`train.evaluators` must yield numbers of "
                            f"different names. Received: {name} twice. Leave "
                            "one evaluator out."
                        )
                    values[name] = result["value"]
                if index == 0 and found:
                    better = found[0]["protocol"].get("better")
                    sign = _SIGNS.get(str(better), math.nan)
                    score = sign * found[0]["value"]
        return values, score
