"""A trained game as a SavedModel that needs neither ganzoo nor its plugins."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

import ganzoo
from ganzoo.gan import Gan
from ganzoo.scores.evaluation import results_file
from ganzoo.serving import exports
from ganzoo.serving.endpoints import condition_names, endpoints
from ganzoo.storage.run_directory import RunDirectory


def export(
    gan: Gan,
    dataset: Any,
    run: RunDirectory,
    records: Mapping[str, str],
    condition_spec: Any = None,
) -> pathlib.Path:
    """Writes `export/<version>/`: see `endpoints` for what it answers.

    Weights are stored once: the averages of the generator where the game keeps
    them, else its own, and the discriminator's. Where the newest version has
    the same records, nothing is written.

    Args:
        gan: The game.
        dataset: What it was trained on.
        run: Its run directory.
        records: {file name: text} of the configuration, kept with the export.
        condition_spec: `keras.KerasTensor`s of a batch of conditions, if any.

    Returns:
        The folder of the version.
    """
    table = endpoints(gan, dataset, condition_spec)

    def write(path: str) -> None:
        archive = keras.export.ExportArchive()
        # Without `track`, which would store all weights a second time.
        for name, endpoint in table.items():
            archive.add_endpoint(name, endpoint.function, endpoint.inputs)
        archive.write_out(path, verbose=False)

    step = int(gan.step.numpy())
    provenance = {
        "name": run.path.resolve().name,
        "step": step,
        "weights": "ema" if gan.ema else "raw",
        "ema_decay": gan.ema_decay,
        "ema_start": gan.ema_start,
        "run_seed": gan.seed,
        "dtype_policy": keras.config.dtype_policy().name,
        "num_classes": dataset.num_classes,
        "condition": condition_names(table),
        "versions": {
            "ganzoo": ganzoo.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        "evaluation": _evaluation(run, step),
    }
    text = json.dumps(provenance, indent=1)
    return exports.add(
        run.path / "export", write, {**records, exports.PROVENANCE: text}
    )


def _evaluation(run: RunDirectory, step: int) -> list[dict[str, Any]]:
    """The run's numbers about this step, without how long they took."""
    path = run.path / results_file(run, step)
    results = json.loads(path.read_text()) if path.exists() else []
    for result in results:
        result["protocol"].pop("seconds", None)
    return [r for r in results if r["protocol"]["step"] == step]
