"""A checkpoint every so often: guarded, and the way back to it."""

from typing import Any

from ganzoo.distribution import workers
from ganzoo.distribution.replicas import Consensus
from ganzoo.errors import RunError
from ganzoo.gan import Gan
from ganzoo.storage.checkpoints import Checkpoints
from ganzoo.training import divergence


class Saver:
    """The callback that writes checkpoints; the chief's alone reach the disk.

    Args:
        checkpoints: The run's.
        every_steps: Steps between two.
        about: JSON values that are kept with each.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        every_steps: int,
        about: dict[str, Any],
    ):
        self.checkpoints = checkpoints
        self.every_steps = every_steps
        self.about = about
        self._last_saved: int | None = None

    def __call__(self, gan: Gan, step: int) -> None:
        """Saves, unless a weight is not finite or it has been done."""
        if step != self._last_saved:
            self.check(gan, step)
            self.save(gan, step)

    def check(self, gan: Gan, step: int) -> None:
        """Raises DivergenceError, on all workers, if a weight is not finite."""
        divergence.check_weights(gan, step, self.kept)

    def save(self, gan: Gan, step: int) -> None:
        """Saves a game that has been checked; see `Checkpoints.save`."""
        if workers.this_worker().is_chief:
            self.checkpoints.save(gan, self.about)
        self._last_saved = step

    def finish(self, gan: Gan) -> None:
        """Saves a game that was interrupted between two checkpoints."""
        self.checkpoints.wait()
        step = int(gan.step.numpy())
        if step not in self.checkpoints.steps():
            self(gan, step)
            self.checkpoints.wait()

    def kept(self) -> str:
        """Says which checkpoint is the last."""
        self.checkpoints.wait()
        steps = self.checkpoints.steps()
        if not steps:
            return "There is no checkpoint yet."
        return f"Last checkpoint: {self.checkpoints.path(steps[-1])}."

    def roll_back(
        self, gan: Gan, error: Exception, most: int, factor: float
    ) -> None:
        """Goes back to the last checkpoint, with both learning rates lowered.

        Args:
            gan: The game.
            error: Raised again where it has been done `most` times, or where
                there is no checkpoint.
            most: How often it may be done in the whole run.
            factor: Of the rates, each time.
        """
        num = self.about.get("num_rollbacks", 0)
        if num >= most:
            raise error
        self.checkpoints.wait()
        self._last_saved = None
        # The others read what the chief has written by now.
        Consensus(gan.distribute_strategy).largest([0])
        about = divergence.restore(gan, self.checkpoints)
        if about is None:
            raise error
        rate_factor = factor ** (num + 1)
        divergence.lower_rates(gan, rate_factor, about)
        self.about = {
            **self.about,
            "num_rollbacks": num + 1,
            "rate_factor": rate_factor,
        }
        print(
            f"{error} Back to step {int(gan.step.numpy()):,} with learning "
            f"rates times {rate_factor:g}: rollback {num + 1} of {most}.",
            flush=True,
        )


def with_same_examples(
    about: dict[str, Any] | None, num: int
) -> dict[str, Any]:
    """What was saved with a checkpoint, and how many examples there are.

    Another number is another order of all, and no exact resume.

    Args:
        about: What was saved, if anything; earlier versions kept no number.
        num: Examples to train on now.

    Raises:
        RunError: If it is not the number that the checkpoint was trained on.
    """
    about = about or {}
    before = about.get("num_examples", num)
    if num != before:
        raise RunError(
            "A run must go on with the examples that it began with. Received: "
            f"{num:,} to train on, where its checkpoint saw {before:,}. Put "
            "the data back, or begin another run with this one's weights: "
            "`initialize_from.run`."
        )
    return {**about, "num_examples": num}
