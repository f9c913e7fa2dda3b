"""Numbers about a trained game, each with the protocol that it was got by."""

import inspect
import json
import pathlib
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import scipy
import sklearn
import tensorflow as tf

import ganzoo
from ganzoo.checks import check_counts, check_list
from ganzoo.gan import Gan
from ganzoo.sampling import Sampler
from ganzoo.scores.samples_file import SamplesFile
from ganzoo.scores.yielded import numbers, plain_protocol
from ganzoo.storage import cache, whole_files
from ganzoo.storage.checkpoints import Checkpoints
from ganzoo.storage.run_directory import RunDirectory, numbers_about


def evaluate(
    source: Gan | SamplesFile,
    dataset: Any,
    to: RunDirectory | pathlib.Path | None = None,
    *,
    evaluators: Sequence[Any] = (),
    batch_size: int = 500,
) -> list[dict[str, Any]]:
    """Runs the evaluators on G's own weights and their averages, or on a file.

    Evaluators that need a generator are left out for a file, with a line that
    says so. One that fails costs no number of the others: its error is raised
    when they are written.

    Args:
        source: The game, trained, or a file of samples.
        dataset: What it was trained on.
        to: Where the numbers are written: `results_file` of a run, or a file;
            None writes nothing.
        evaluators: See `ganzoo.interfaces.Evaluator`.
        batch_size: Samples generated at a time; no number depends on it.

    Returns:
        One dict for each number: name, value, protocol, baselines (the same
        about the data alone) and warnings.

    Raises:
        ComponentError: If an evaluator yields something else than numbers.
        Exception: What an evaluator raises; the first of several.
    """
    check_list("evaluate.evaluators", evaluators, "[@evaluators.parzen()]")
    check_counts("evaluate.", batch_size=batch_size)
    models, about = _candidates(source, batch_size)
    step = about.get("step")
    about["dataset"] = type(dataset).__name__
    about["data_hash"] = cache.fingerprint(dataset) if evaluators else None
    about["value_range"] = dataset.value_range
    about["versions"] = _versions()
    about = plain_protocol(about)  # Now, and not when all is computed.
    results: list[dict[str, Any]] = []
    failures = []
    for evaluator in evaluators:
        name = type(evaluator).__name__
        if isinstance(source, SamplesFile) and _needs_generator(evaluator):
            print(f"{name} needs a generator: left out for a file of samples.")
            continue
        try:
            for result in _scored(evaluator, models, dataset, about):
                results.append(result)
                print(describe(result), flush=True)
                for warning in result["warnings"]:
                    print(f"  {warning}", flush=True)
        except BrokenPipeError:  # Nobody reads: no fault of an evaluator's.
            _write(to, step, results)
            raise
        # A plugin may raise anything.
        except Exception as error:
            failures.append(error)
            print(f"{name} failed: {error}", flush=True)
    if results or not failures:
        _write(to, step, results)
    if failures:
        raise failures[0]
    return results


def results_file(run: RunDirectory, step: int | None) -> str:
    """Where the numbers about a step are, so that none is taken for another.

    Returns:
        "evaluation.json" for the newest checkpoint, else
        "evaluation-step-<step>.json".
    """
    steps = Checkpoints(run.path / "checkpoints").steps()
    if step is None or not steps or step >= steps[-1]:
        return "evaluation.json"
    return numbers_about(step)


def evaluate_file(
    path: str, dataset: Any, evaluate: Callable[..., Any]
) -> pathlib.Path:
    """Scores the samples in a file; the numbers go beside it.

    Args:
        path: See `ganzoo.scores.samples_file.SamplesFile`.
        dataset: What the samples imitate.
        evaluate: `ganzoo.scores.evaluation.evaluate` with its evaluators bound.

    Returns:
        `<path>.evaluation.json`, which `ganzoo.scores.comparing` reads.
    """
    beside = pathlib.Path(f"{path}.evaluation.json")
    evaluate(SamplesFile(path, dataset), dataset, beside)
    return beside


def describe(result: dict[str, Any]) -> str:
    """One line: name, value, standard error, whose weights, baselines."""
    protocol = result["protocol"]
    error = protocol.get("standard_error")
    step = f", step {protocol['step']}" if "step" in protocol else ""
    baselines = "; ".join(
        f"{baseline['name'].replace('_', ' ')}: {baseline['value']:.6g}"
        for baseline in result.get("baselines", ())
    )
    return (
        f"{result['name']} = {result['value']:.6g}"
        + (f" +- {error:.2g}" if error is not None else "")
        + f" ({protocol['weights']} weights{step})"
        + (f" [{baselines}]" if baselines else "")
    )


def samplers(gan: Gan, batch_size: int = 500) -> dict[str, Sampler]:
    """The models that a game is: {"raw": ..., "ema": where it averages}."""
    models = {"raw": Sampler(gan, False, batch_size)}
    if gan.ema:
        models["ema"] = Sampler(gan, True, batch_size)
    return models


def told_apart(evaluator: Any, models: dict[str, Any]) -> dict[str, Any]:
    """Those of the models whose numbers can differ by this evaluator."""
    if getattr(evaluator, "ignores_averages", False):
        return {name: models[name] for name in models if name != "ema"}
    return models


def _scored(
    evaluator: Any,
    models: dict[str, Any],
    dataset: Any,
    about: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    """The results of one evaluator, as `evaluate` returns them."""
    baselines = _baselines(evaluator, dataset, about["data_hash"])
    for weights, model in told_apart(evaluator, models).items():
        start = time.monotonic()
        shared = {
            "evaluator": type(evaluator).__name__,
            "weights": weights,
            **about,
        }
        for result in numbers(evaluator, "run", model, dataset):
            result["protocol"] |= shared
            seconds = time.monotonic() - start
            result["protocol"]["seconds"] = round(seconds, 3)
            result["baselines"] = [
                baseline
                for baseline in baselines
                if baseline["protocol"].get("of") == result["name"]
            ]
            result["warnings"] = _warnings(result)
            yield result


def _write(
    to: RunDirectory | pathlib.Path | None,
    step: int | None,
    results: list[dict[str, Any]],
) -> None:
    text = json.dumps(results, indent=1)
    if isinstance(to, pathlib.Path):
        whole_files.write(to, text)
    elif to is not None:
        to.write(results_file(to, step), text)


def _candidates(
    source: Gan | SamplesFile, batch_size: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The models that `source` is, and what tells it from others."""
    if isinstance(source, SamplesFile):
        digest = cache.key(np.asarray(source.samples))
        return {"file": source}, {
            "samples_file": source.path.name,
            "samples_hash": digest,
        }
    return dict(samplers(source, batch_size)), {
        "step": int(source.step.numpy()),
        "ema_decay": source.ema_decay,
        "ema_start": source.ema_start,
        "run_seed": source.seed,
    }


def _baselines(
    evaluator: Any, dataset: Any, data_hash: str | None
) -> list[dict[str, Any]]:
    """Numbers about the data alone, once for each data set and setting."""
    # Without `run` there is no number either, and `numbers` says so.
    if not (hasattr(evaluator, "baselines") and hasattr(evaluator, "run")):
        return []
    # By its method: gin makes a subclass of each class, without source.
    method = type(evaluator).run
    settings = {name: repr(value) for name, value in vars(evaluator).items()}
    key = cache.key(
        data_hash,
        method.__qualname__,
        inspect.getsource(sys.modules[method.__module__]),
        settings,
        ganzoo.__version__,
        sklearn.__version__,
    )
    return cache.recall(
        f"baselines-{key}",
        lambda: list(numbers(evaluator, "baselines", dataset)),
    )


def _warnings(result: dict[str, Any]) -> list[str]:
    """What the evaluator warns of, and what a baseline that is beaten says."""
    found = list(result["protocol"].pop("warnings", ()))
    for baseline in result["baselines"]:
        exceeded = baseline["protocol"].get("if_exceeded")
        if exceeded and result["value"] > baseline["value"]:
            found.append(exceeded)
    return found


def _needs_generator(evaluator: Any) -> bool:
    return getattr(evaluator, "needs_generator", False)


def _versions() -> dict[str, str]:
    return {
        "ganzoo": ganzoo.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "scipy": scipy.__version__,
        "tensorflow": tf.__version__,
    }
