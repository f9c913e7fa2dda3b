import json
import re

import pytest

from ganzoo.errors import RunError
from ganzoo.scores.comparing import compare, differences, read

PROTOCOL = {
    "better": "higher",
    "num_samples": 100,
    "space": "[0, 1]",
    "outcomes": ["sigma"],
    "sigma": 0.2,
    "standard_error": 1.0,
    "weights": "raw",
    "step": 10,
}


@pytest.fixture
def runs(tmp_path):
    """`runs(a=[(name, value, changes)], ...)`: their folders, in order."""

    def write(**results):
        folders = []
        for run, entries in results.items():
            folder = tmp_path / run
            folder.mkdir()
            (folder / "evaluation.json").write_text(
                json.dumps(
                    [
                        {
                            "name": name,
                            "value": value,
                            "protocol": {**PROTOCOL, **changes},
                        }
                        for name, value, changes in entries
                    ]
                )
            )
            folders.append(folder)
        return folders

    return write


def rows(table, folders):
    """[(rank, run)] as the table lists them."""
    names = {str(folder): folder.name for folder in folders}
    return [
        (words[0], names[words[-1]])
        for line in table.splitlines()
        if (words := line.split()) and words[-1] in names
    ]


def test_every_checkpoint_that_was_scored_is_listed(runs):
    folders = runs(a=[("nats", 5.0, {})], b=[("nats", 4.0, {})])
    result = {"name": "nats", "value": 9.0, "protocol": {**PROTOCOL, "step": 4}}
    own = folders[0] / "evaluation-step-00000004.json"
    own.write_text(json.dumps([result]))
    assert rows(compare(folders), folders) == [
        ("1", "a"),
        ("2", "a"),
        ("2", "b"),
    ]
    (folders[0] / "evaluation.json").unlink()
    assert [x["protocol"]["step"] for x in read(folders[0])] == [4]


def test_like_numbers_are_ranked_best_first(runs):
    folders = runs(
        low=[("nats", 5.0, {"sigma": 0.1, "step": 99})],
        high=[("nats", 50.0, {"weights": "ema", "seconds": 3})],
        middle=[("nats", 20.0, {"standard_error": 0.5})],
    )
    table = compare(folders)
    assert rows(table, folders) == [
        ("1", "high"),
        ("2", "middle"),
        ("3", "low"),
    ]
    assert "Higher is better." in table


def test_lower_may_be_better(runs):
    lower = {"better": "lower"}
    folders = runs(a=[("distance", 5.0, lower)], b=[("distance", 1.0, lower)])
    assert rows(compare(folders), folders) == [("1", "b"), ("2", "a")]


def test_numbers_within_their_error_share_a_rank(runs):
    # Two standard errors of the difference: 2 sqrt(1 + 1) = 2.83.
    folders = runs(
        a=[("nats", 10.0, {})], b=[("nats", 7.5, {})], c=[("nats", 4.0, {})]
    )
    assert rows(compare(folders), folders) == [
        ("1", "a"),
        ("1", "b"),
        ("3", "c"),
    ]


def test_unlike_protocols_are_not_ranked_and_the_field_is_named(runs):
    folders = runs(
        a=[("nats", 1.0, {})],
        b=[("nats", 2.0, {"num_samples": 10_000, "space": "raw"})],
    )
    table = compare(folders)
    assert (
        "Not ranked: the protocols differ in num_samples: 100 and 10000; "
        'space: "[0, 1]" and "raw"' in table
    )
    assert not any(row.startswith("  1") for row in table.splitlines())


def test_a_field_that_one_lacks_is_a_difference():
    assert differences({"a": 1, "b": 2}, {"a": 1}) == ["b: 2 and null"]


def test_a_number_without_a_direction_is_listed_only(runs):
    folders = runs(
        a=[("modes", 1.0, {"better": None})],
        b=[("modes", 2.0, {"better": None})],
    )
    table = compare(folders)
    assert "Not ranked: neither higher nor lower is better." in table


def test_baselines_stand_below_once(runs, tmp_path):
    folders = runs(a=[("nats", 1.0, {})], b=[("nats", 2.0, {})])
    for folder in folders:
        file = folder / "evaluation.json"
        (result,) = json.loads(file.read_text())
        result["baselines"] = [
            {"name": "training_examples", "value": 243.5, "protocol": {}}
        ]
        file.write_text(json.dumps([result]))
    line = "beside it, training examples: 243.5"
    assert compare(folders).count(line) == 1


def test_a_file_of_results_compares_with_a_run(runs):
    folders = runs(a=[("nats", 1.0, {})], b=[("nats", 9.0, {})])
    file = folders[1] / "evaluation.json"
    assert read(file) == read(folders[1])
    assert str(file) in compare([folders[0], file])


@pytest.mark.parametrize("paths", [[], ["one"]])
def test_one_run_is_nothing_to_compare(paths):
    message = (
        f"`compare` needs at least two runs. Received: {len(paths)}. Name run "
        "directories: --mode=compare RUN RUN."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare(paths)


def test_a_run_without_numbers_is_an_error(tmp_path):
    with pytest.raises(RunError, match="holds no evaluation"):
        read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "{}x",
        '[{"name": "a"}]',
        '[{"name": "a", "value": NaN, "protocol": {}}]',
    ],
)
def test_a_damaged_evaluation_is_an_error(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(RunError, match="must be a list of results. Received"):
        read(tmp_path)
