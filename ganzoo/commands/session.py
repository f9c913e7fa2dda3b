"""One command on one run directory: the game built from its configuration."""

import contextlib
import zlib
from collections.abc import Sequence
from typing import Any

from ganzoo.configuration import Configuration, configured
from ganzoo.distribution import strategies, workers
from ganzoo.distribution.replicas import Consensus
from ganzoo.errors import RunError
from ganzoo.example_sets import condition_spec
from ganzoo.scores.evaluation import describe
from ganzoo.storage import checkpoints
from ganzoo.storage.run_directory import RunDirectory
from ganzoo.training import divergence


class Session:
    """What the modes of `ganzoo.run` work on.

    Building it restores a checkpoint, or, where there is none, starts from the
    run that `initialize_from` names.

    Args:
        configuration: Activated.
        run: Held by this process, and compared with this configuration.
        checkpoint: "newest" (the newest whole one), "best" or a step.
    """

    def __init__(
        self,
        configuration: Configuration,
        run: RunDirectory,
        checkpoint: str = "newest",
    ):
        self.configuration = configuration
        self.run = run
        self.results: list[dict[str, Any]] = []
        kept = checkpoints.Checkpoints(run.path / "checkpoints")
        step = kept.find(checkpoint)
        strategies.prepare_devices()
        self.experiment = configured("experiment")()
        strategy = self.experiment.strategy
        strategies.check_workers(strategy)
        print(strategies.describe(strategy))
        dataset = self.experiment.dataset
        self.examples = dataset.examples("train")
        with strategy.scope():
            self.gan = configured("build_gan")(
                dataset, self.examples, self.experiment.seed
            )
        self.about = divergence.restore(self.gan, kept, step)
        if self.about is not None:
            print(f"Restored step {self.step:,} of {run.path}.")
        elif configuration.mentions("initialize_from"):
            for line in configured("initialize_from")(self.gan):
                print(line)
        self.is_chief = workers.this_worker().is_chief
        self.consensus = Consensus(strategy)
        self._check_agreement()

    @property
    def step(self) -> int:
        """Steps that the game has behind it."""
        return int(self.gan.step.numpy())

    def train(self) -> None:
        """Trains up to `train.num_steps`."""
        configured("train")(
            self.gan, self.experiment, self.examples, self.run, self.about
        )

    def evaluate(self) -> None:
        """Scores the game as it stands; of several workers, the chief does."""
        if not self.is_chief:
            return
        self._require_checkpoint("evaluate")
        self.results = configured("evaluate")(
            self.gan, self.experiment.dataset, self.run
        )

    def figures(self) -> None:
        """Draws the figures of the game as it stands; the chief does."""
        if not self.is_chief:
            return
        self._require_checkpoint("draw")
        configured("draw_figures")(
            self.gan, self.experiment.dataset, self.examples, self.run
        )

    def report(self) -> None:
        """Writes one page about all that the run directory holds."""
        if not self.is_chief:
            return
        from ganzoo.pictures.report import write_report

        print(f"Report: {write_report(self.run)}")

    def export(self) -> None:
        """Writes a SavedModel; of several workers, the chief does."""
        if not self.is_chief:
            return
        from ganzoo.serving.exporting import export

        self._require_checkpoint("export")
        found = self.configuration
        records = {
            "config.gin": found.config_text(),
            "operative_config.gin": found.operative_text(),
            "components.txt": found.components_text(),
        }
        path = export(
            self.gan,
            self.experiment.dataset,
            self.run,
            records,
            condition_spec(self.examples),
        )
        print(f"Exported to {path}")

    def sample(
        self,
        num: int,
        seed: int,
        output: str,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Writes samples of the game as it stands to a file or folder."""
        if not self.is_chief:
            return
        from ganzoo.serving import sample_writer
        from ganzoo.serving.endpoints import endpoints

        self._require_checkpoint("sample")
        dataset = self.experiment.dataset
        table = endpoints(self.gan, dataset, condition_spec(self.examples))
        sample_writer.write(
            {name: endpoint.compile() for name, endpoint in table.items()},
            num,
            seed,
            output,
            table["serving_default"].inputs[1:],
            dataset.num_classes,
            classes,
        )

    def finish(self) -> None:
        """Waits for the other workers: one that leaves takes all with it."""
        self.consensus.largest([0])
        # Whoever waits here still answers those whose call above goes on; who
        # has left has nothing to wait for.
        with contextlib.suppress(RunError):
            self.consensus.largest([0])

    def _require_checkpoint(self, purpose: str) -> None:
        if not self.step:
            raise RunError(
                f"{self.run.path} has no checkpoint to {purpose}. Train it "
                "first: leave out --mode."
            )

    def _check_agreement(self) -> None:
        """Raises RunError unless all workers start from the same state."""
        if not self.consensus.is_needed:
            return
        digest = 0
        for values in checkpoints.arrays(self.gan).values():
            digest = zlib.crc32(values.tobytes(), digest)
        mine = [self.step, digest]
        largest = self.consensus.largest([*mine, *(-value for value in mine)])
        if largest[:2] != [-value for value in largest[2:]]:
            raise RunError(
                "All workers must start from the same state. Received: steps "
                f"from {-largest[2]:.0f} to {largest[0]:.0f}. Give all the "
                "same --run_dir, on a file system that they share."
            )

    def summary(self) -> str:
        """The last line: where everything is and what it scored."""
        pictures = sorted((self.run.path / "samples").glob("*.png"))
        parts = [f"Step {self.step:,}. Everything is in {self.run.path}"]
        if pictures:
            parts.append(f"samples in {pictures[-1]}")
        parts += [describe(result) for result in self.results]
        return "; ".join(parts)
