"""Requests and responses against the examples of TensorFlow Serving's page."""

import base64
import json
import re

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from ganzoo.serving.rest_format import RequestError, parse, response

KINDS = {
    "float": types_pb2.DT_FLOAT,
    "int": types_pb2.DT_INT32,
    "text": types_pb2.DT_STRING,
}


def signature(**inputs):
    """A signature of inputs (kind, shape); None is an open dimension."""
    definition = meta_graph_pb2.SignatureDef()
    for name, (kind, shape) in inputs.items():
        definition.inputs[name].dtype = KINDS[kind]
        for size in shape:
            size = -1 if size is None else size
            definition.inputs[name].tensor_shape.dim.add(size=size)
    return definition


SIGNATURES = {
    "serving_default": signature(z=("float", [None, 2])),
    "tagged": signature(tag=("text", [None]), signal=("float", [None, 2])),
    "image": signature(image_bytes=("text", [None])),
    "draw": signature(num=("int", []), z=("float", [None, 2])),
}


def ask(message):
    return parse(json.dumps(message).encode(), SIGNATURES)


def test_rows_of_the_only_input_need_no_name():
    for message in (
        {"instances": [[1, 2], [3, 4.5]]},
        {"instances": [{"z": [1, 2]}, {"z": [3, 4.5]}]},
        {"inputs": [[1, 2], [3, 4.5]]},
        {"inputs": {"z": [[1, 2], [3, 4.5]]}},
    ):
        asked = ask(message)
        assert asked.signature_name == "serving_default"
        assert asked.by_rows == ("instances" in message)
        assert asked.arrays["z"].dtype == np.float32
        np.testing.assert_array_equal(asked.arrays["z"], [[1, 2], [3, 4.5]])


def test_rows_and_columns_of_several_inputs():
    rows = [{"tag": "foo", "signal": [1, 2]}, {"tag": "bar", "signal": [3, 4]}]
    columns = {"tag": ["foo", "bar"], "signal": [[1, 2], [3, 4]]}
    for message in ({"instances": rows}, {"inputs": columns}):
        asked = ask({"signature_name": "tagged", **message})
        assert asked.arrays["tag"].tolist() == [b"foo", b"bar"]
        np.testing.assert_array_equal(asked.arrays["signal"], [[1, 2], [3, 4]])


def test_binary_values_are_b64():
    binary = bytes(range(256))
    encoded = {"b64": base64.b64encode(binary).decode()}
    for message in (
        {"instances": [encoded]},
        {"instances": [{"image_bytes": encoded}]},
        {"inputs": [encoded]},
    ):
        asked = ask({"signature_name": "image", **message})
        assert asked.arrays["image_bytes"].tolist() == [binary]
    answered = json.loads(
        response({"png_bytes": np.array([binary, b""], object)}, True)
    )
    assert answered == {"predictions": [encoded, {"b64": ""}]}


def test_answers_by_rows_and_by_columns():
    one = {"samples": np.array([[1.5, 2], [3, 4]], np.float32)}
    two = {**one, "tag": np.array([b"a", b"b"], object)}
    samples = [[1.5, 2], [3, 4]]
    assert json.loads(response(one, True)) == {"predictions": samples}
    assert json.loads(response(one, False)) == {"outputs": samples}
    assert json.loads(response(two, True)) == {
        "predictions": [
            {"samples": [1.5, 2], "tag": "a"},
            {"samples": [3, 4], "tag": "b"},
        ]
    }
    assert json.loads(response(two, False)) == {
        "outputs": {"samples": samples, "tag": ["a", "b"]}
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "The body is no JSON: "),
        ("[" * 5000, "The body is no JSON: "),
        ("[]", "The body must be an object with `instances` or `inputs`. "),
        ("{}", "(columns). Received: neither."),
        (
            {"inputs": [], "instances": []},
            "The body must have either `instances` (rows) or `inputs` "
            "(columns). Received: inputs, instances.",
        ),
        (
            {"signature_name": "tagd", "inputs": 0},
            "No signature named 'tagd'. Did you mean 'tagged'? There are: "
            "draw, image, serving_default, tagged.",
        ),
        ({"signature_name": [], "inputs": 0}, "No signature named []."),
        (
            {"instances": []},
            "`instances` must be a list of at least one row. Received: [].",
        ),
        (
            {"signature_name": "draw", "instances": [{"num": 1, "z": [1, 2]}]},
            "Signature 'draw' takes num once and not in rows. Write `inputs` "
            "instead of `instances`.",
        ),
        (
            {"instances": [{"z": [1, 2]}, {"y": [1, 2]}]},
            "All `instances` must have the same inputs.",
        ),
        (
            {"signature_name": "draw", "inputs": {"num": 1}},
            "Signature 'draw' takes num, z. Received: num.",
        ),
        (
            {"signature_name": "draw", "inputs": 1},
            "Inputs must be an object of num, z. Received: 1.",
        ),
        (
            {"inputs": [[1, 2, 3]]},
            "`z` must be float32 of shape [None, 2]. Received: int64 of shape "
            "[1, 3].",
        ),
        ({"inputs": [[1], [1, 2]]}, "`z` is malformed: "),
        ({"inputs": [["1", "2"]]}, '[None, 2]. Received: [["1","2"]].'),
        ({"inputs": [[None, 2]]}, "[None, 2]. Received: [[null,2]]."),
        ({"inputs": [[True, False]]}, "Received: [[true,false]]."),
        ({"inputs": [[1e300, 2]]}, "`z` must fit into float32. Received: "),
        (
            {"signature_name": "draw", "inputs": {"num": 2**31, "z": [[1, 2]]}},
            "`num` must fit into int32. Received: 2147483648.",
        ),
        (
            {"signature_name": "draw", "inputs": {"num": 1.5, "z": [[1, 2]]}},
            "`num` must be int32 of shape []. Received: float64 of shape [].",
        ),
        (
            {"signature_name": "image", "inputs": [{"b64": "?"}]},
            "`image_bytes` is malformed: ",
        ),
        (
            {"signature_name": "image", "inputs": [7]},
            '`image_bytes` is malformed: text or {"b64": "..."} is needed, '
            "not 7.",
        ),
        (
            {"signature_name": "image", "inputs": [["a"]]},
            "`image_bytes` must be string of shape [None]. Received: ",
        ),
    ],
)
def test_bad_requests_say_what_is_wrong(body, message):
    text = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        parse(text.encode(), SIGNATURES)
    assert caught.value.status == 400
