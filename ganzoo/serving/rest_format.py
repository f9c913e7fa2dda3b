"""Requests and responses as TensorFlow Serving's REST API has them.

https://www.tensorflow.org/tfx/serving/api_rest: `instances` and `predictions`
by rows, `inputs` and `outputs` by columns, binary values as {"b64": "..."}.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson
import tensorflow as tf

from ganzoo.errors import GanzooError, did_you_mean


class RequestError(GanzooError):
    """A request that cannot be answered; the message says why.

    Attributes:
        status: Of the HTTP response.
    """

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """A call of a signature.

    Attributes:
        signature_name: Of the signature.
        arrays: Its inputs by name.
        by_rows: Whether the caller writes and reads rows.
    """

    signature_name: str
    arrays: dict[str, np.ndarray]
    by_rows: bool


def parse(body: bytes, signature_defs: Mapping[str, Any]) -> Request:
    """The call that a request's body asks for.

    Raises:
        RequestError: If it is malformed or fits no signature.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is no JSON: {error}.") from error
    if not isinstance(message, dict):
        raise RequestError(
            "The body must be an object with `instances` or `inputs`. "
            f"Received: {_short(message)}."
        )
    name = message.get("signature_name", "serving_default")
    if not isinstance(name, str) or name not in signature_defs:
        raise RequestError(
            f"No signature named {name!r}."
            f"{did_you_mean(str(name), signature_defs)} There are: "
            f"{', '.join(sorted(signature_defs))}."
        )
    if ("instances" in message) == ("inputs" in message):
        raise RequestError(
            "The body must have either `instances` (rows) or `inputs` "
            f"(columns). Received: {', '.join(sorted(message)) or 'neither'}."
        )
    specs = signature_defs[name].inputs
    by_rows = "instances" in message
    if by_rows:
        columns = _columns(message["instances"], specs, name)
    else:
        columns = _by_name(message["inputs"], specs)
    if columns.keys() != specs.keys():
        raise RequestError(
            f"Signature {name!r} takes {', '.join(sorted(specs))}. Received: "
            f"{', '.join(sorted(columns)) or 'nothing'}."
        )
    arrays = {key: _array(columns[key], specs[key], key) for key in specs}
    return Request(name, arrays, by_rows)


def response(outputs: Mapping[str, np.ndarray], by_rows: bool) -> bytes:
    """The body that answers with `outputs`."""
    columns = {
        name: _plain(values, name.endswith("_bytes"))
        for name, values in outputs.items()
    }
    answer: Any = columns
    if len(columns) == 1:
        (answer,) = columns.values()
    elif by_rows:
        answer = [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]
    key = "predictions" if by_rows else "outputs"
    return orjson.dumps({key: answer}, option=orjson.OPT_SERIALIZE_NUMPY)


def has_rows(spec: Any) -> bool:
    """Whether an input or output is a row for each of any number."""
    dims = spec.tensor_shape.dim
    return bool(dims) and dims[0].size == -1


def _columns(instances: Any, specs: Mapping, name: str) -> dict[str, Any]:
    if not isinstance(instances, list) or not instances:
        raise RequestError(
            "`instances` must be a list of at least one row. Received: "
            f"{_short(instances)}."
        )
    if without := [key for key in specs if not has_rows(specs[key])]:
        raise RequestError(
            f"Signature {name!r} takes {', '.join(sorted(without))} once and "
            "not in rows. Write `inputs` instead of `instances`."
        )
    rows = [_by_name(instance, specs) for instance in instances]
    keys = rows[0].keys()
    if any(row.keys() != keys for row in rows):
        raise RequestError("All `instances` must have the same inputs.")
    return {key: [row[key] for row in rows] for key in keys}


def _by_name(value: Any, specs: Mapping) -> dict[str, Any]:
    """An input's value alone stands for {its name: value}."""
    is_named = isinstance(value, dict) and value.keys() != {"b64"}
    if is_named:
        return value
    if len(specs) == 1:
        return dict.fromkeys(specs, value)
    raise RequestError(
        f"Inputs must be an object of {', '.join(sorted(specs))}. Received: "
        f"{_short(value)}."
    )


def _array(value: Any, spec: Any, name: str) -> np.ndarray:
    dtype = tf.as_dtype(spec.dtype)
    try:
        if dtype == tf.string:
            array = np.array(_decoded(value), object)
        else:
            array = np.asarray(value)
    except (ValueError, binascii.Error) as error:
        reason = str(error).rstrip(".")
        raise RequestError(f"`{name}` is malformed: {reason}.") from error
    shape = [None if d.size == -1 else d.size for d in spec.tensor_shape.dim]
    kinds = {tf.string: "O"}.get(dtype, "iuf" if dtype.is_floating else "iu")
    if array.dtype.kind not in kinds or not tf.TensorShape(
        shape
    ).is_compatible_with(array.shape):
        raise RequestError(
            f"`{name}` must be {dtype.name} of shape {shape}. Received: "
            f"{_described(array, value)}."
        )
    if dtype != tf.string:
        if (
            array.size
            and not dtype.min <= array.min() <= array.max() <= dtype.max
        ):
            raise RequestError(
                f"`{name}` must fit into {dtype.name}. Received: "
                f"{_short(value)}."
            )
        array = array.astype(dtype.as_numpy_dtype)
    return array


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if isinstance(value, dict) and value.keys() == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, str):
        return value.encode()
    raise ValueError(f'text or {{"b64": "..."}} is needed, not {_short(value)}')


def _plain(values: np.ndarray, is_binary: bool) -> Any:
    if values.dtype != object:
        return np.ascontiguousarray(values)
    if values.ndim:
        return [_plain(np.asarray(part, object), is_binary) for part in values]
    text = values.item()
    if is_binary:
        return {"b64": base64.b64encode(text).decode()}
    return text.decode()


def _described(array: np.ndarray, value: Any) -> str:
    if array.dtype.kind in "iuf":
        return f"{array.dtype.name} of shape {list(array.shape)}"
    return _short(value)


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
