"""What the terms of a loss promise."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganzoo import objectives, randomness
from ganzoo.randomness import Draws, Segment
from ganzoo.testing.promises import (
    Broken,
    Check,
    dtype_policy,
    name_of,
    require_finite,
    run_all,
)
from ganzoo.testing.replicas import Comparison, in_own_process

_NUM = 6
_SAMPLE_SHAPE = (4, 4, 1)
_PENALTY = ("discriminate", "real_samples", "fake_samples", "draws")
_EXTREME = 1e4  # Its square is finite in float32, its exponential is not.


def loss_checks(
    factory: Callable[..., Any], name: str | None = None, **arguments: Any
) -> list[Check]:
    """The checks of a loss term, one for each promise.

    Args:
        factory: What the entry point names, mostly a class.
        name: For messages. Default: module:name of the factory.
        **arguments: Of the factory, as a recipe would bind them.
    """
    term = _Term(factory, arguments)
    return [
        Check(name or name_of(factory), promise, getattr(term, promise))
        for promise in _PROMISES
    ]


def check_loss(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Runs `loss_checks`; returns promise -> outcome.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return run_all(loss_checks(*args, **kwargs))


_PROMISES = (
    "signatures",
    "shapes",
    "dtypes",
    "gradients",
    "finite",
    "seed",
    "replicas",
)


class _Term:
    """A term, and what its methods give for logits and samples of ours."""

    def __init__(self, factory: Callable[..., Any], arguments: dict[str, Any]):
        self.factory = factory
        self.arguments = arguments

    def make(self) -> Any:
        return self.factory(**self.arguments)

    def signatures(self) -> str:
        """It has a method, and these ask for what core has."""
        term = self.make()
        methods = [*objectives.PLAYERS, "penalty"]
        if not any(hasattr(term, method) for method in methods):
            raise Broken(
                f"a term needs a method {', '.join(methods[:-1])} or penalty",
                f"{type(term).__name__} with none of them",
                "Define one",
            )
        for method in filter(functools.partial(hasattr, term), methods):
            known = _PENALTY if method == "penalty" else objectives.LOGITS
            wanted = list(inspect.signature(getattr(term, method)).parameters)
            # A penalty is called by position, the others by name.
            fits = (
                len(wanted) == len(known)
                if method == "penalty"
                else set(wanted) <= set(known)
            )
            if not fits:
                raise Broken(
                    f"`{method}` may ask for {', '.join(known)}",
                    f"{', '.join(wanted) or 'nothing'}",
                    "Bind anything else in the constructor",
                )
        return "ok"

    def shapes(self) -> str:
        """One value for each example."""
        for name, values in self.values(self.make(), _logits()).items():
            if values.shape != (_NUM,):
                raise Broken(
                    f"`{name}` must give one value for each example, shape "
                    f"{(_NUM,)}",
                    f"shape {tuple(values.shape)}",
                    "Do not average: ganzoo does, over the global batch",
                )
        return "ok"

    def dtypes(self) -> str:
        """Values have the dtype of logits."""
        for policy in ("float32", "float64", "mixed_bfloat16"):
            with dtype_policy(policy):
                found = self.values(self.make(), _logits())
            wanted = "float64" if policy == "float64" else "float32"
            for name, values in found.items():
                if values.dtype != wanted:
                    raise Broken(
                        f"`{name}` must give {wanted} under {policy}",
                        values.dtype.name,
                        "Make constants of the dtype of logits",
                    )
        return "ok"

    def gradients(self) -> str:
        """A gradient reaches all logits asked for, and D from a penalty."""
        term = self.make()
        for player in filter(
            functools.partial(hasattr, term), objectives.PLAYERS
        ):
            logits = _logits()
            with tf.GradientTape() as tape:
                tape.watch(logits)
                values = self.values(term, logits)[player]
            wanted = inspect.signature(getattr(term, player)).parameters
            # What the other player decides may stand in G's cost as a constant.
            names = [n for n in wanted if player != "generator" or "fake" in n]
            gradients = tape.gradient(values, [logits[n] for n in names])
            _require_gradients(player, names, gradients)
        if hasattr(term, "penalty"):
            judge = _Judge()
            with tf.GradientTape() as tape:
                tape.watch(judge.weights)
                values = self.penalty(term, judge)
            gradients = tape.gradient(values, [judge.weights])
            _require_gradients("penalty", ["D's weights"], gradients)
        return "ok"

    def finite(self) -> str:
        """Values and gradients are finite for extreme logits and a flat D."""
        term = self.make()
        for real in (-_EXTREME, 0.0, _EXTREME):
            for fake in (-_EXTREME, 0.0, _EXTREME):
                logits = {
                    name: tf.fill([_NUM], fake if "fake" in name else real)
                    for name in objectives.LOGITS
                }
                with tf.GradientTape(persistent=True) as tape:
                    tape.watch(logits)
                    found = self.values(term, logits, with_penalty=False)
                for name, values in found.items():
                    where = f"for logits {real:g} (real), {fake:g} (fake)"
                    require_finite(values, f"`{name}` {where}")
                    for part in tape.gradient(
                        values,
                        list(logits.values()),
                        unconnected_gradients="zero",
                    ):
                        require_finite(part, f"Gradients of `{name}` {where}")
        if hasattr(term, "penalty"):
            flat = _Judge(scale=0.0)
            with tf.GradientTape() as tape:
                tape.watch(flat.weights)
                values = self.penalty(term, flat)
            require_finite(values, "`penalty` where D is flat")
            gradient = tape.gradient(
                values, flat.weights, unconnected_gradients="zero"
            )
            require_finite(gradient, "Gradients of `penalty` where D is flat")
        return "ok"

    def seed(self) -> str:
        """One seed and step, one value."""
        first, again = (self.values(self.make(), _logits()) for _ in range(2))
        for name, values in first.items():
            if not np.array_equal(values, again[name]):
                raise Broken(
                    f"`{name}` must be determined by its arguments",
                    "two different results",
                    "Draw by `draws`, not by tf.random or keras.random",
                )
        return "ok"

    def replicas(self) -> str:
        """Two replicas draw what one would, or others."""
        return in_own_process(self.compare_replicas)

    def compare_replicas(self) -> str:
        """What `replicas` does, in the other process."""
        with dtype_policy("float64"):
            logits, samples = _logits(), _samples()

            def make() -> tuple[Callable, list[keras.Variable]]:
                term, judge = self.make(), _Judge()

                def call(parts: list[tf.Tensor], draws: Draws) -> tf.Tensor:
                    *known, real, fake = parts
                    found = self.values(
                        term,
                        dict(zip(objectives.LOGITS, known, strict=True)),
                        with_penalty=False,
                    )
                    if hasattr(term, "penalty"):
                        found["penalty"] = term.penalty(
                            judge, real, fake, draws
                        )
                    # That a shape or dtype is wrong is for other checks to say.
                    rows = tf.zeros_like(known[0])
                    values = [
                        rows + tf.cast(v, rows.dtype) for v in found.values()
                    ]
                    return tf.stack(values, axis=1)

                return call, []

            parts = [part.numpy() for part in [*logits.values(), *samples]]
            return Comparison(make, parts).outcome()

    def values(
        self, term: Any, logits: dict[str, tf.Tensor], with_penalty: bool = True
    ) -> dict[str, tf.Tensor]:
        """What each method of the term gives, by name."""
        found = {}
        for player in filter(
            functools.partial(hasattr, term), objectives.PLAYERS
        ):
            method = getattr(term, player)
            wanted = inspect.signature(method).parameters
            found[player] = tf.convert_to_tensor(
                method(**{n: logits[n] for n in wanted if n in logits})
            )
        if hasattr(term, "penalty") and with_penalty:
            found["penalty"] = self.penalty(term, _Judge())
        return found

    def penalty(self, term: Any, judge: Callable) -> tf.Tensor:
        """What the term charges `judge` for."""
        draws = Draws(7, 0, [Segment("check", 0, _NUM)])
        return tf.convert_to_tensor(term.penalty(judge, *_samples(), draws))


class _Judge:
    """D(x) = w . x^2, so that its gradient depends on x and w."""

    def __init__(self, scale: float = 1.0):
        numbers = np.random.default_rng(4).normal(size=_SAMPLE_SHAPE)
        self.weights = tf.constant(scale * numbers, _dtype())

    def __call__(self, samples: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(self.weights * tf.square(samples), [1, 2, 3])


def _dtype() -> str:
    return randomness.variable_dtype()


def _logits() -> dict[str, tf.Tensor]:
    """Moderate ones: a hinge has a slope there."""
    numbers = np.random.default_rng(5).uniform(-0.9, 0.9, (3, _NUM))
    return {
        name: tf.constant(row, _dtype())
        for name, row in zip(objectives.LOGITS, numbers, strict=True)
    }


def _samples() -> tuple[tf.Tensor, tf.Tensor]:
    numbers = np.random.default_rng(6).random((2, _NUM, *_SAMPLE_SHAPE))
    real, fake = (tf.constant(part, _dtype()) for part in numbers)
    return real, fake


def _require_gradients(method: str, names: list[str], gradients: Any) -> None:
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is None or not np.any(gradient):
            raise Broken(
                f"a gradient of `{method}` must reach {name}",
                "none",
                "Use differentiable operations of TensorFlow",
            )
