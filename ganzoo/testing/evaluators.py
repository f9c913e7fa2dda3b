"""What evaluators promise."""

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from ganzoo import example_sets
from ganzoo.scores.yielded import is_number, plain_protocol
from ganzoo.testing.promises import Broken, Check, name_of, run_all


def evaluator_checks(
    factory: Callable[..., Any],
    dataset: Any = None,
    model: Any = None,
    name: str | None = None,
    **arguments: Any,
) -> list[Check]:
    """The checks of an evaluator, one for each promise.

    Args:
        factory: What the entry point names, mostly a class.
        dataset: What it is run on. Default: images of noise.
        model: See `ganzoo.interfaces.Model`. Default: one that samples the data
            set's training examples.
        name: For messages. Default: module:name of the factory.
        **arguments: Of the factory, as a recipe would bind them.
    """
    dataset = dataset or NoiseImages()
    kit = _Evaluator(factory, dataset, model or Resampled(dataset), arguments)
    return [
        Check(name or name_of(factory), promise, getattr(kit, promise))
        for promise in _PROMISES
    ]


def check_evaluator(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Runs `evaluator_checks`; returns promise -> outcome.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return run_all(evaluator_checks(*args, **kwargs))


_PROMISES = ("numbers", "protocol", "silence", "seed")


class NoiseImages:
    """400 images of 8 x 8 pixels of noise in each split, and ten classes."""

    sample_shape = (8, 8, 1)
    value_range = (0.0, 1.0)
    num_classes = 10

    def examples(self, split: str) -> np.ndarray:
        """float32 [400, 8, 8, 1]."""
        seed = ("train", "validation", "test").index(split)
        return np.random.default_rng(seed).random((400, 8, 8, 1), np.float32)

    def labels(self, split: str) -> np.ndarray:
        """int64 [400]."""
        return np.arange(400) % 10

    def to_unit(self, samples: Any) -> Any:
        """The samples: they are in [0, 1]."""
        return samples


class Resampled:
    """A model that draws training examples and adds a little noise."""

    def __init__(self, dataset: Any):
        self._samples = np.concatenate(
            list(example_sets.sample_batches(dataset.examples("train")))
        )

    def sample(
        self, num: int, seed: int, condition: Any = None
    ) -> Iterator[np.ndarray]:
        """Yields arrays of at most 100 examples, `num` in all."""
        random = np.random.default_rng(seed)
        for first in range(0, num, 100):
            rows = random.integers(0, len(self._samples), min(100, num - first))
            yield self._samples[rows]

    def draw_latents(self, num: int, seed: int) -> np.ndarray:
        """float32 [num, 4], from N(0, 1)."""
        return np.random.default_rng(seed).standard_normal((num, 4), np.float32)

    def generate(self, latents: Any, condition: Any = None) -> np.ndarray:
        """An example for each row of `latents`, by the row's first number."""
        ranks = np.arctan(np.asarray(latents)[:, 0]) / np.pi + 0.5
        return self._samples[(ranks * len(self._samples)).astype(int)]

    def discriminate(self, samples: Any, condition: Any = None) -> np.ndarray:
        """Logits [B]: the mean of each sample."""
        return np.reshape(samples, (len(samples), -1)).mean(axis=1)

    def inference(self, name: str = "inference") -> "Resampled":
        """An inference net: the model itself, by the three methods below."""
        return self

    def target(self, latents: Any, condition: Any = None) -> Any:
        """What the net has to say of `generate(latents)`: `latents`."""
        return latents

    def infer(self, samples: Any) -> np.ndarray:
        """What it says: four means of each sample, [B, 4]."""
        parts = np.array_split(np.reshape(samples, (len(samples), -1)), 4, 1)
        return np.stack([part.mean(axis=1) for part in parts], axis=1)

    def decode(self, codes: Any, condition: Any = None) -> np.ndarray:
        """Samples made of codes, [B, *sample_shape]."""
        return self.generate(codes)

    def trunk(
        self, network: str = "discriminator", layer: str | None = None
    ) -> keras.Model:
        """A network below its last layer: eight rectified units."""
        shape = self._samples.shape[1:]
        start = keras.initializers.GlorotUniform(seed=0)
        units = keras.layers.Dense(8, "relu", kernel_initializer=start)
        flat = keras.layers.Flatten()
        return keras.Sequential([keras.Input(shape), flat, units])


class _Evaluator:
    def __init__(
        self,
        factory: Callable[..., Any],
        dataset: Any,
        model: Any,
        arguments: dict[str, Any],
    ):
        self.factory = factory
        self.dataset = dataset
        self.model = model
        self.arguments = arguments

    def run(self) -> list[Any]:
        evaluator = self.factory(**self.arguments)
        if not callable(getattr(evaluator, "run", None)):
            raise Broken(
                "an evaluator must have a method `run`",
                f"{type(evaluator).__name__} without it",
                "See `ganzoo.interfaces.Evaluator`",
            )
        results = evaluator.run(self.model, self.dataset)
        if not isinstance(results, Iterable):
            raise Broken(
                "`run` must yield (name, value, protocol)",
                repr(results),
                "Yield them, or return a list",
            )
        return list(results)

    def numbers(self) -> str:
        """It yields (name, finite number, protocol), each name once."""
        results = self.run()
        for result in results:
            if not (isinstance(result, tuple) and len(result) == 3):
                raise Broken(
                    "`run` must yield (name, value, protocol)",
                    repr(result),
                    "Yield a tuple of three",
                )
            name, value, _ = result
            if not isinstance(name, str) or not is_number(value):
                raise Broken(
                    "`run` must yield a name and a finite number",
                    f"{name!r}, {value!r}",
                    "Leave out, or raise for, what cannot be computed",
                )
        names = [name for name, _, _ in results]
        if not names or len(set(names)) < len(names):
            raise Broken(
                "`run` must yield results, each under a name of its own",
                names,
                "Put what tells them apart into the names",
            )
        return "ok"

    def protocol(self) -> str:
        """The protocol is a dict of JSON values."""
        for result in self.run():
            protocol = result[-1]
            try:
                plain = plain_protocol(protocol)
            except (TypeError, ValueError) as error:
                raise Broken(
                    "a protocol must be a dict of JSON values",
                    error,
                    "Make arrays lists, and what is not finite None",
                ) from error
            if not plain:
                raise Broken(
                    "a protocol must say how the value was got",
                    repr(protocol),
                    "Give counts, split and seed in a dict",
                )
        return "ok"

    def silence(self) -> str:
        """It prints nothing: core reports."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            self.run()
        if printed.getvalue():
            raise Broken(
                "an evaluator must not print",
                repr(printed.getvalue()[:80]),
                "Put it into the protocol",
            )
        return "ok"

    def seed(self) -> str:
        """The same model and data set give the same numbers."""
        first, again = ([result[:2] for result in self.run()] for _ in range(2))
        if first != again:
            raise Broken(
                "the same model and data set must give the same numbers",
                f"{first} and {again}",
                "Take a `seed` and use it for every draw",
            )
        return "ok"
