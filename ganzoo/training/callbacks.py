"""What a run says and keeps as it goes: numbers and pictures.

A callback is called with the game and the step after every `every_steps` steps
and at the last one.
"""

import json
import pathlib
import time
from typing import Any, Protocol

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from ganzoo.gan import Gan
from ganzoo.pictures import figures
from ganzoo.sampling import Sampler
from ganzoo.storage import whole_files
from ganzoo.storage.run_directory import read_lines
from ganzoo.training.monitors import Monitors

# How a printed line calls the players' losses.
_SHORT = {"discriminator_loss": "D", "generator_loss": "G"}


class Callback(Protocol):
    """Something that happens every so often."""

    every_steps: int

    def __call__(self, gan: Gan, step: int) -> None:
        """Called after `step` steps."""


class Unheard:
    """In place of a callback, on a worker that keeps nothing.

    Args:
        every_steps: Makes it come to the same stops as the chief.
        resets_metrics: Whether the callback does.
    """

    def __init__(self, every_steps: int, resets_metrics: bool = False):
        self.every_steps = every_steps
        self.resets_metrics = resets_metrics

    def __call__(self, gan: Gan, step: int) -> None:
        """Does what all workers have to do."""
        if self.resets_metrics:
            gan.reset_metrics()


class MetricsLog:
    """Mean losses and monitors: a printed line, metrics.jsonl and TensorBoard.

    Whatever a killed run wrote past the step that it resumes from is taken
    back, so no step stands there twice. The event file is derived from
    metrics.jsonl.

    Args:
        folder: The run directory.
        every_steps: Steps that one line averages over.
        first_step: The step that the run starts or resumes from.
        num_steps: The step that it ends at.
        images_per_step: Examples that D sees in one step.
        steps_per_epoch: Steps in which the training set is seen once.
        monitors: Read at each line.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        every_steps: int,
        first_step: int,
        num_steps: int,
        images_per_step: int,
        steps_per_epoch: int,
        monitors: Monitors,
    ):
        self.every_steps = every_steps
        self.last_step = first_step
        self.num_steps = num_steps
        self.images_per_step = images_per_step
        self.steps_per_epoch = steps_per_epoch
        self.monitors = monitors
        self.path = folder / "metrics.jsonl"
        kept = [
            line for line in read_lines(self.path) if line["step"] <= first_step
        ]
        # Whether what `add` writes about the first step is there already.
        self.has_numbers = any(
            line["step"] == first_step and "epoch" not in line for line in kept
        )
        text = "".join(json.dumps(line) + "\n" for line in kept)
        whole_files.write(self.path, text)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self.events = EventFileWriter(str(folder))
        for line in kept:
            self._add_event(line)
        self.last_time = time.monotonic()

    def __call__(self, gan: Gan, step: int) -> None:
        """Writes one line about the steps since the last, and starts anew."""
        if step == self.last_step:
            return
        now = time.monotonic()
        num_steps = step - self.last_step
        seconds = now - self.last_time
        losses = {
            metric.name: float(metric.result())
            for metric in gan.log_means.values()
            if metric.count > 0  # Nobody moved who rests.
        }
        line = {
            "step": step,
            "epoch": round(step / self.steps_per_epoch, 3),
            **losses,
            **self.monitors.read(),
            "images_per_second": round(
                num_steps * self.images_per_step / seconds, 1
            ),
            "wall_time": time.time(),
        }
        self._write(line)
        remaining = (self.num_steps - step) * seconds / num_steps
        print(
            f"step {step:>7,}/{self.num_steps:,}  epoch {line['epoch']:<8g}"
            + "".join(
                f"{_SHORT.get(name, name)} {value:.4f}  "
                for name, value in losses.items()
            )
            + "false-/+ "
            f"{line['false_negatives']:.2f}/{line['false_positives']:.2f}  "
            f"{line['images_per_second']:,.0f} images/s  "
            f"{_clock(remaining)} left",
            flush=True,
        )
        gan.reset_metrics()
        self.last_step = step
        self.last_time = time.monotonic()

    def add(self, step: int, numbers: dict[str, float], seconds: float) -> None:
        """Writes a line of its own about a step: numbers of evaluators.

        Args:
            step: That they are about.
            numbers: By name.
            seconds: That they took, which are none of the training.
        """
        self._write({"step": step, **numbers, "wall_time": time.time()})
        self.last_time += seconds
        values = "  ".join(f"{k} {v:.6g}" for k, v in numbers.items())
        print(f"step {step:>7,}/{self.num_steps:,}  {values}", flush=True)

    def close(self) -> None:
        """Ends the event file."""
        self.events.close()

    def _write(self, line: dict[str, Any]) -> None:
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")
        self._add_event(line)
        self.events.flush()

    def _add_event(self, line: dict[str, Any]) -> None:
        values = [
            summary_pb2.Summary.Value(tag=name, simple_value=value)
            for name, value in line.items()
            if name not in ("step", "wall_time")
        ]
        self.events.add_event(
            event_pb2.Event(
                wall_time=line["wall_time"],
                step=line["step"],
                summary=summary_pb2.Summary(value=values),
            )
        )


class SampleGrid:
    """A picture of the same latents every so often: samples/step-*.png.

    Args:
        gan: The game; its averaged weights are shown where it keeps them.
        dataset: Says how samples are shown.
        folder: Where the pictures go.
        every_steps: Steps between two.
        num_samples: Samples in one.
        condition: Of each sample, or None.
    """

    def __init__(
        self,
        gan: Gan,
        dataset: Any,
        folder: pathlib.Path,
        every_steps: int,
        num_samples: int = 100,
        condition: Any = None,
    ):
        self.dataset = dataset
        self.folder = folder
        self.every_steps = every_steps
        self.condition = condition
        self.sampler = Sampler(gan, use_ema=bool(gan.ema))
        self.latents = self.sampler.draw_latents(num_samples, gan.seed)

    def path(self, step: int) -> pathlib.Path:
        """Where the picture of a step is."""
        return self.folder / f"step-{step:08d}.png"

    def __call__(self, gan: Gan, step: int) -> None:
        """Draws one picture."""
        self.folder.mkdir(parents=True, exist_ok=True)
        samples = self.sampler.generate(self.latents, self.condition)
        figures.samples_figure(samples, self.dataset, self.path(step))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
