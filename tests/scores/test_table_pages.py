import json
import re
import statistics
import threading

import filelock
import pytest
from small_tables import DIGITS, PAGE, finish, result, write

from ganzoo.errors import RunError
from ganzoo.scores.table_files import Table
from ganzoo.scores.table_pages import Page

DIVERSITY = DIGITS.replace(
    "[[rows]]",
    """[[columns]]
title = "diversity"
metric = "sample_diversity"

[[figures]]
image = "images/diversity.png"
metric = "sample_diversity"

[[rows]]""",
    1,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def page_of_table():
    return Page(Table("digits.toml"))


def runs(page):
    return list(page.table.runs(page.table.rows[0]))


def test_a_table_with_nothing_done_says_so_and_keeps_the_rest(folder):
    page_of_table().write()
    page = (folder / "page.md").read_text()
    assert page.startswith("# Page\n\n<!-- table: digits -->\n|")
    assert page.endswith("<!-- end -->\n\nAfter.\n")
    assert "\n\nNot done yet: As it is; No such batch.\n" in page
    assert "| As it is |" not in page
    assert "`train.num_steps = 20`" in page
    assert "old" not in page


def test_one_run_shows_its_error_and_several_their_spread(folder):
    page = page_of_table()
    first, second = runs(page)
    finish(first, {"raw": 10.0, "ema": 99.0})
    assert "| As it is | 10.0 ± 1.2 [1 of 2 runs not done] | 20 | 4 |" in (
        page.markdown()
    )
    finish(second, {"raw": 13.0})
    spread = statistics.stdev([10.0, 13.0])
    assert (
        f"| As it is | 11.5, s = {spread:.3g} (10.0, 13.0) | 20 | 4 |"
        in page.markdown()
    )


def test_a_run_counts_only_for_what_was_asked(folder):
    finish(runs(page_of_table())[0], {"raw": 10.0})
    write(folder, DIGITS.replace("num_steps = 20", "num_steps = 30"))
    assert "Not done yet: As it is;" in page_of_table().markdown()


def test_a_page_that_another_process_writes_is_waited_for(folder):
    page = page_of_table()
    (folder / "runs").mkdir()
    with filelock.FileLock(folder / "runs" / ".page.md.lock"):
        thread = threading.Thread(target=page.write)
        thread.start()
        thread.join(0.2)
        (folder / "page.md").write_text(f"Theirs. {PAGE}")
    thread.join()
    text = (folder / "page.md").read_text()
    assert text.startswith("Theirs. ")
    assert "Not done yet" in text


def test_what_went_wrong_cannot_break_the_table(folder):
    page = page_of_table()
    page.failures[runs(page)[0].path] = "a | b\nc"
    assert r" [2 of 2 runs failed: a \| b c] |  |  |" in page.markdown()


def test_a_number_that_no_evaluator_yielded_is_a_failure_of_its_cell(folder):
    page = page_of_table()
    first, second = runs(page)
    finish(first, {"ema": 10.0})
    finish(second, {"raw": 13.0})
    wants = (
        "wants 'parzen_log_likelihood' of the 'raw' weights. Did you mean "
        "'parzen_log_likelihood of ema'?"
    )
    assert f"| As it is | 13.0 ± 1.2 [failed: {wants}] | 20 | 4 |" in (
        page.markdown()
    )
    assert page.faults == [f"Column 'raw weights' of {first.path} {wants}"]


def test_a_metric_of_the_log_is_a_column_and_a_figure(folder):
    write(folder, DIVERSITY)
    page = page_of_table()
    run, _ = runs(page)
    finish(run, {"raw": 10.0})
    wants = (
        "wants 'sample_diversity' of metrics.jsonl up to step 20. There are: "
        "parzen/raw, step, wall_time."
    )
    assert f"| 10.0 ± 1.2 [1 of 2 runs not done] |  [failed: {wants}] |" in (
        page.markdown()
    )
    page.draw()
    assert page.faults == [
        f"Column 'diversity' of {run.path} {wants}",
        "A figure of digits.toml wants 'sample_diversity'. Received: logs "
        "without it. There are: parzen/raw, step, wall_time. Log it, or take "
        "the figure out.",
    ]
    with open(run.path / "metrics.jsonl", "a") as log:
        for step, value in [(19, 0.5), (20, 0.25), (21, 0.125)]:
            line = {"step": step, "wall_time": 3800, "sample_diversity": value}
            log.write("\n" + json.dumps(line))
    # What the net did after the step that was scored is not about it.
    assert "| 10.0 ± 1.2 [1 of 2 runs not done] | 0.25 | 20 | " in (
        page.markdown()
    )
    assert not page.faults
    page.draw()
    image = folder / "images" / "diversity.png"
    assert image.read_bytes()[1:4] == b"PNG"
    image.write_text("earlier")
    run.record.unlink()
    page.draw()  # Nothing is done: there is nothing to draw.
    assert image.read_text() == "earlier"
    assert not page.faults


def test_a_page_without_the_marks_is_refused_before_anything_runs(folder):
    (folder / "page.md").write_text("# Page\n")
    with pytest.raises(
        RunError,
        match=re.escape("page.md must hold <!-- table: digits --> and, after"),
    ):
        page_of_table()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("checkpoint", "best", "value"), [("3", 6, 3.0), ("best", 6, 6.0)]
)
def test_an_old_record_of_several_steps_counts_for_that_which_was_scored(
    folder, checkpoint, best, value
):
    change = f'seeds = [1, 2]\ncheckpoint = "{checkpoint}"'
    write(folder, DIGITS.replace("seeds = [1, 2]", change))
    page = page_of_table()
    run, _ = runs(page)
    finish(run, {"raw": 9.0}, step=9)
    checkpoints = run.path / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "best.json").write_text(json.dumps({"step": best}))
    record = json.loads(run.record.read_text())
    record["results"] = [result(float(step), step=step) for step in (9, 3, 6)]
    run.record.write_text(json.dumps(record))
    assert [one["value"] for one in run.results()] == [value]
    record["results"] = [result(9.0, step=9), result(12.0, step=12)]
    run.record.write_text(json.dumps(record))
    assert run.results() is None
