"""Exports as LiteRT and ONNX, run by the runtimes they are for."""

import re

import numpy as np
import pytest
import tensorflow as tf
from exported_runs import LATENT_DIM, points

from ganzoo.errors import ConfigurationError
from ganzoo.run import run
from ganzoo.serving.converting import convert
from ganzoo.serving.exports import Export


# The converters' own use of what is deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_makes_the_same_samples(exported_run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    path = tmp_path / "generator.onnx"
    status = run(
        [
            "ganzoo",
            "--mode=convert",
            f"--run_dir={exported_run}",
            f"--output={path}",
        ]
    )
    assert status == 0
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape[1:]) == ("latents", [LATENT_DIM])
    assert (given.name, given.shape[1:]) == ("samples", [8, 8, 1])
    export = Export(exported_run / "export")
    for num in (1, 7, 256):
        (found,) = session.run(None, {"latents": points(num)})
        expected = export.signatures["serving_default"](
            latents=tf.constant(points(num))
        )["samples"]
        np.testing.assert_allclose(found, expected, 0, 1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_litert_makes_the_same_samples(exported_run, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    path = tmp_path / "generator.tflite"
    convert(exported_run / "export", path)
    runner = interpreter.Interpreter(str(path)).get_signature_runner(
        "serving_default"
    )
    export = Export(exported_run / "export")
    for num in (1, 7, 256):
        found = runner(latents=points(num))["samples"]
        expected = export.signatures["serving_default"](
            latents=tf.constant(points(num))
        )["samples"]
        np.testing.assert_allclose(found, expected, 0, 1e-6)


def test_other_formats_say_so(tmp_path):
    message = (
        "`--output` must end in .tflite or .onnx. Received: --output=x.pkl."
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        convert(tmp_path, "x.pkl")
