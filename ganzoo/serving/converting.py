"""An export as one file for other runtimes: latents -> samples, no more."""

import os
import pathlib
import warnings

import tensorflow as tf

from ganzoo.errors import ConfigurationError, RunError
from ganzoo.serving.exports import Export, newest
from ganzoo.storage import whole_files

_SIGNATURE = "serving_default"
_OPSET = 18


def convert(path: str | os.PathLike, output: str | os.PathLike) -> None:
    """Writes the generator of an export as LiteRT or ONNX.

    Inputs (`latents`; the condition if there is one) and the output (`samples`)
    keep names, dtypes and the open number of rows. Endpoints that draw latents
    are left out: neither format has TensorFlow's stateless random numbers.

    Args:
        path: Of the export, or of the folder of its versions.
        output: File; `.tflite` is LiteRT, `.onnx` is ONNX.

    Raises:
        ConfigurationError: If the file has another suffix.
        RunError: If there is no export, or the converter is not installed.
    """
    output = pathlib.Path(output)
    converters = {".tflite": _litert, ".onnx": _onnx}
    if output.suffix not in converters:
        raise ConfigurationError(
            "`--output` must end in .tflite or .onnx. Received: "
            f"--output={output}."
        )
    model = converters[output.suffix](newest(path))
    whole_files.write(output, model)
    print(f"Converted {newest(path)} to {output}")


def _litert(path: pathlib.Path) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(path), signature_keys=[_SIGNATURE]
    )
    return converter.convert()


def _onnx(path: pathlib.Path) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import tf2onnx
    except ModuleNotFoundError as error:
        raise RunError(
            f"ONNX needs the module {error.name!r}, which is not installed. "
            "Install it with `pip install 'ganzoo[onnx]'`."
        ) from error
    export = Export(path)  # Its weights live as long as it does.
    signature = export.signatures[_SIGNATURE]
    specs = signature.structured_input_signature[1]
    function = tf.function(
        lambda *inputs: signature(**dict(zip(specs, inputs, strict=True))),
        autograph=False,
    )
    model, _ = tf2onnx.convert.from_function(
        function, list(specs.values()), opset=_OPSET
    )
    return model.SerializeToString()
