"""One command on one run directory: the game built from its configuration."""

from typing import Any

from ganzoo.checkpoints import Checkpoints
from ganzoo.configuration import Configuration, configured
from ganzoo.errors import RunError
from ganzoo.evaluation import describe
from ganzoo.run_directory import RunDirectory


class Session:
    """What the modes of `ganzoo.run` work on.

    Building it restores the newest whole checkpoint, or, where there is none,
    starts from the run that `initialize_from` names.

    Args:
        configuration: Activated.
        run: Held by this process and claimed by this configuration.
    """

    def __init__(self, configuration: Configuration, run: RunDirectory):
        self.configuration = configuration
        self.run = run
        self.results: list[dict[str, Any]] = []
        self.experiment = configured("experiment")()
        dataset = self.experiment.dataset
        self.examples = dataset.examples("train")
        with self.experiment.strategy.scope():
            self.gan = configured("build_gan")(
                dataset, self.examples, self.experiment.seed
            )
        checkpoints = Checkpoints(run.path / "checkpoints")
        if checkpoints.restore(self.gan) is None:
            if configuration.mentions("initialize_from"):
                for line in configured("initialize_from")(self.gan):
                    print(line)
        else:
            print(f"Going on from step {self.step:,} of {run.path}.")

    @property
    def step(self) -> int:
        """Steps that the game has behind it."""
        return int(self.gan.step.numpy())

    def train(self) -> None:
        """Trains up to `train.num_steps`."""
        configured("train")(self.gan, self.experiment, self.examples, self.run)

    def evaluate(self) -> None:
        """Scores the game as it stands."""
        if not self.step:
            raise RunError(
                f"{self.run.path} has no checkpoint to evaluate. Train it "
                "first: "
                "leave out --mode."
            )
        self.results = configured("evaluate")(
            self.gan, self.experiment.dataset, self.run
        )

    def summary(self) -> str:
        """The last line: where everything is and what it scored."""
        pictures = sorted((self.run.path / "samples").glob("*.png"))
        parts = [f"Step {self.step:,}. Everything is in {self.run.path}"]
        if pictures:
            parts.append(f"samples in {pictures[-1]}")
        parts += [describe(result) for result in self.results]
        return "; ".join(parts)
