"""Numbers with their protocols, on a file of samples and on a small game."""

import functools
import json

import numpy as np
import pytest

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ComponentError, DataError
from ganzoo.evaluators.parzen import Parzen
from ganzoo.run import run
from ganzoo.scores.comparing import compare
from ganzoo.scores.evaluation import describe, evaluate, evaluate_file
from ganzoo.scores.samples_file import SamplesFile
from ganzoo.storage import cache


class Constant:
    """Yields what it is told to; counts how often its baseline is asked."""

    asked = 0

    def __init__(self, value, floor=0.0, **protocol):
        self.value = value
        self.floor = floor
        self.protocol = protocol

    def run(self, model, dataset):
        yield "number", self.value, self.protocol

    def baselines(self, dataset):
        Constant.asked += 1
        yield "floor", self.floor, {"of": "number", "if_exceeded": "Too good."}


class NeedsGenerator(Constant):
    needs_generator = True


@pytest.fixture
def digits_file(tmp_path):
    path = tmp_path / "samples.npy"
    np.save(path, Digits().examples("train")[:200])
    return path


def score(path, *evaluators):
    data = Digits()
    return evaluate(SamplesFile(path, data), data, evaluators=evaluators)


def test_the_protocol_tells_data_samples_and_versions(digits_file, capsys):
    (result,) = score(digits_file, Constant(-1.0, num=3))
    protocol = result["protocol"]
    assert json.loads(json.dumps(result)) == {
        **result,
        "protocol": {**protocol, "value_range": [0.0, 1.0]},
    }
    assert protocol["num"] == 3
    assert protocol["evaluator"] == "Constant"
    assert protocol["weights"] == "file"
    assert protocol["samples_file"] == "samples.npy"
    assert protocol["dataset"] == "Digits"
    assert protocol["data_hash"] == cache.fingerprint(Digits())
    assert protocol["versions"]["numpy"] == np.__version__
    assert protocol["seconds"] >= 0
    assert "number = -1 (file weights) [floor: 0]" in capsys.readouterr().out


def test_a_beaten_baseline_says_its_sentence(digits_file):
    (below,) = score(digits_file, Constant(1.0, floor=1.0))
    (above,) = score(digits_file, Constant(1.1, floor=1.0, warnings=["Odd."]))
    assert below["warnings"] == []
    assert above["warnings"] == ["Odd.", "Too good."]
    assert "warnings" not in above["protocol"]


def test_baselines_are_computed_once_for_a_data_set_and_setting(digits_file):
    Constant.asked = 0
    for value, asked in [(7.0, 1), (7.0, 1), (8.0, 2)]:
        score(digits_file, Constant(value, floor=0.25))
        assert Constant.asked == asked
    data = Digits((-1.0, 1.0))
    samples = SamplesFile(digits_file, data)
    evaluate(samples, data, evaluators=[Constant(7.0, floor=0.25)])
    assert Constant.asked == 3


def test_a_file_is_spared_what_needs_a_generator(digits_file, capsys):
    assert score(digits_file, NeedsGenerator(1.0)) == []
    assert (
        "NeedsGenerator needs a generator: left out for a file of samples."
        in capsys.readouterr().out
    )


class Failing:
    """Yields nothing, for a reason."""

    def __init__(self, error):
        self.error = error

    def run(self, model, dataset):
        raise self.error


@pytest.mark.parametrize(
    "error", [DataError("Too few."), ZeroDivisionError("A slip.")]
)
def test_one_that_fails_costs_no_number_of_the_others(
    digits_file, capsys, error
):
    """Its error comes when all others are written."""
    beside = digits_file.with_name("samples.npy.evaluation.json")
    evaluators = [Failing(error), Constant(1.0), Failing(DataError("Second."))]
    with pytest.raises(type(error)) as raised:
        evaluate_file(
            digits_file,
            Digits(),
            functools.partial(evaluate, evaluators=evaluators),
        )
    assert raised.value is error
    (result,) = json.loads(beside.read_text())
    assert result["value"] == 1.0
    printed = capsys.readouterr().out
    assert f"Failing failed: {error}\nnumber = 1 " in printed
    assert "Failing failed: Second.\n" in printed

    # Where nothing is left, what was written before is not touched.
    with pytest.raises(DataError):
        evaluate_file(
            digits_file,
            Digits(),
            functools.partial(evaluate, evaluators=evaluators[2:]),
        )
    assert json.loads(beside.read_text()) == [result]


class Told:
    """Gives what it is told to, as it is."""

    def __init__(self, results):
        self.results = results

    def run(self, model, dataset):
        return self.results


CONTRACT = (
    "`Told.run` must yield (name, number, protocol): a text, a finite number, "
    "and a dict of JSON values. Received: "
)
RAISE = "Raise an error that says what is wrong."


@pytest.mark.parametrize(
    ("results", "received"),
    [
        ([("x", np.nan, {})], f"('x', nan, {{}}). {RAISE}"),
        ([("x", np.inf, {})], f"('x', inf, {{}}). {RAISE}"),
        ([("x", np.complex64(1), {})], "('x', np.complex64(1+0j), {}). Raise"),
        ([("x", None, {})], f"('x', None, {{}}). {RAISE}"),
        ([("x", "0.5", {})], f"('x', '0.5', {{}}). {RAISE}"),
        ([(5, 0.5, {})], f"(5, 0.5, {{}}). {RAISE}"),
        ([("x", 0.5)], "('x', 0.5). Yield a tuple of three."),
        (["abc"], "'abc'. Yield a tuple of three."),
        (None, "None. Yield them, or return a list."),
        (
            [("x", 0.5, None)],
            "('x', 0.5, None). Make it plain: a NoneType is no dict.",
        ),
        (
            [("x", 0.5, {"at": {1}})],
            "('x', 0.5, {'at': {1}}). Make it plain: set is no JSON value.",
        ),
        (
            [("x", 0.5, {"at": np.nan})],
            "('x', 0.5, {'at': nan}). Make it plain: Out of range float values",
        ),
        (
            [("x", 0.5, {"at": np.zeros(500)})],
            "('x', 0.5, {'at': array([0., 0.,",
        ),
    ],
)
def test_what_breaks_the_contract_is_named(digits_file, results, received):
    with pytest.raises(ComponentError) as raised:
        score(digits_file, Told(results), Constant(1.0))
    assert str(raised.value).startswith(CONTRACT + received)
    assert len(str(raised.value)) < 500


class NoRun:
    """Has all but what is needed."""

    def baselines(self, dataset):
        return []


@pytest.mark.parametrize("evaluator", [object(), NoRun()])
def test_what_cannot_run_is_named(digits_file, evaluator):
    message = "` must have a method `run`. Received: an object without it. See"
    with pytest.raises(ComponentError, match=message):
        score(digits_file, evaluator)


def test_scalars_of_numpy_are_numbers(digits_file):
    protocol = {
        "num": np.int64(3),
        "rate": np.float32(0.5),
        "is_fast": np.bool_(True),
        "found": [np.float64(0.25), {"deep": np.uint8(7)}],
    }
    (result,) = score(digits_file, Told([("x", np.float32(0.5), protocol)]))
    assert result["value"] == 0.5
    assert type(result["value"]) is float
    written = json.loads(json.dumps(result))["protocol"]
    assert {name: written[name] for name in protocol} == {
        "num": 3,
        "rate": 0.5,
        "is_fast": True,
        "found": [0.25, {"deep": 7}],
    }


def test_other_peoples_samples_are_scored_by_the_same_code(digits_file, capsys):
    status = run(
        [
            "ganzoo",
            "--mode=evaluate",
            f"--samples={digits_file}",
            "--gin_file=gin/digits_mlp.gin",
            "--gin_param=evaluators.parzen.num_samples = 200",
            "--gin_param=evaluators.parzen.num_k_means_centres = 20",
        ]
    )
    out = capsys.readouterr().out
    assert status == 0
    (result,) = json.loads(
        digits_file.with_name("samples.npy.evaluation.json").read_text()
    )
    data = Digits()
    ((_, value, _),) = Parzen(200).run(SamplesFile(digits_file, data), data)
    assert result["value"] == pytest.approx(value)
    assert describe(result) in out
    assert [b["name"] for b in result["baselines"]] == [
        "training_examples",
        "faded_training_examples",
        "k_means_centres",
        "mean_example",
    ]


def test_files_of_numbers_compare(tmp_path):
    data = Digits()
    train = data.examples("train")
    files = []
    for name, samples in [("real", train[:100]), ("mean", train[:100] * 0)]:
        path = tmp_path / f"{name}.npy"
        np.save(path, samples)
        files.append(
            evaluate_file(
                path,
                data,
                functools.partial(evaluate, evaluators=[Parzen(100)]),
            )
        )
    lines = compare(files).splitlines()
    assert lines[2].split()[0] == "1"
    assert lines[2].endswith("real.npy.evaluation.json")
    assert lines[3].split()[0] == "2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--mode=compare"],
            "`compare` needs at least two runs. Received: 0.",
        ),
        (
            ["--mode=compare,train", "--run_dir=x"],
            "`--mode=compare` stands alone. Received: --mode=compare,train.",
        ),
        (
            ["--samples=x.npy", "--gin_file=gin/digits_mlp.gin"],
            "`--samples` needs --mode=evaluate, and --gin_file or --run_dir",
        ),
        (
            ["--samples=x.npy", "--mode=evaluate"],
            "`--samples` needs --mode=evaluate, and --gin_file or --run_dir",
        ),
        (
            [
                "--samples=x.npy",
                "--mode=evaluate",
                "--gin_file=gin/digits_mlp.gin",
            ],
            "x.npy must be a .npy or .npz file of an array. Received: "
            "FileNotFoundError",
        ),
    ],
)
def test_slips_of_the_command_line(capsys, arguments, message):
    assert run(["ganzoo", *arguments]) == 2
    assert message in capsys.readouterr().err
