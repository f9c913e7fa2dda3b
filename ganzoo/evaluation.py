"""Numbers about a trained game, each with the protocol that it was got by."""

import json
import math
import platform
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ganzoo
from ganzoo.errors import ComponentError
from ganzoo.gan import Gan
from ganzoo.run_directory import RunDirectory
from ganzoo.sampling import Sampler


def evaluate(
    gan: Gan,
    dataset: Any,
    run: RunDirectory,
    *,
    evaluators: Sequence[Any] = (),
    batch_size: int = 500,
) -> list[dict[str, Any]]:
    """Runs the evaluators on the generator's own weights and their averages.

    Args:
        gan: The game, trained.
        dataset: What it was trained on.
        run: `evaluation.json` goes there.
        evaluators: See `ganzoo.interfaces.Evaluator`.
        batch_size: Samples generated at a time; no number depends on it.

    Returns:
        One dict for each number: name, value, protocol.

    Raises:
        ComponentError: If an evaluator yields something else than a number.
    """
    weights = ["raw"] + (["ema"] if gan.ema else [])
    shared = {
        "step": int(gan.step.numpy()),
        "ema_decay": gan.ema_decay,
        "run_seed": gan.seed,
        "versions": {
            "ganzoo": ganzoo.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
        },
    }
    results = []
    for evaluator in evaluators:
        for which in weights:
            model = Sampler(gan, which == "ema", batch_size)
            start = time.monotonic()
            for name, value, protocol in evaluator.run(model, dataset):
                check_number(evaluator, name, value)
                results.append(
                    {
                        "name": name,
                        "value": float(value),
                        "protocol": {
                            "evaluator": type(evaluator).__name__,
                            "weights": which,
                            **protocol,
                            **shared,
                            "seconds": round(time.monotonic() - start, 3),
                        },
                    }
                )
                print(describe(results[-1]), flush=True)
    run.write("evaluation.json", json.dumps(results, indent=1))
    return results


def describe(result: dict[str, Any]) -> str:
    """One line: name, value, standard error, whose weights."""
    protocol = result["protocol"]
    error = protocol.get("standard_error")
    return (
        f"{result['name']} = {result['value']:.6g}"
        + (f" +- {error:.2g}" if error is not None else "")
        + f" ({protocol['weights']} weights, step {protocol['step']})"
    )


def check_number(evaluator: Any, name: Any, value: Any) -> None:
    """Raises ComponentError unless an evaluator gave (str, finite number)."""
    if not isinstance(name, str) or not math.isfinite(value):
        raise ComponentError(
            f"`{type(evaluator).__name__}.run` must yield (name, value, "
            "protocol) "
            f"with a finite value. Received: {name!r}, {value!r}."
        )
