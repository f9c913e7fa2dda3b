import re

import pytest
from small_tables import DIGITS, finish, write

from conftest import ROOT
from ganzoo.errors import ConfigurationError
from ganzoo.scores.table_files import Table


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[[rows]]\ntitle", "[[rows]]\ntittle"), "has no entry 'tittle'."),
        (("seeds = [1]", ""), "digits.toml: a row needs an entry 'seeds'."),
        (('weights = "raw"', ""), "a column needs an entry 'weights'."),
        (("[[columns]]", "[[column]]"), "has no entry 'column'. Did you mean"),
        (("[[rows]]", "[[rows"), "`--table` must name a TOML file."),
        (
            ("seeds = [1, 2]", "seeds = [1, 1]"),
            "`seeds` of a row must be a list of different whole numbers, at "
            "least one. Received: [1, 1].",
        ),
        (("seeds = [1, 2]", "seeds = []"), "at least one. Received: []."),
        (("seeds = [1, 2]", "seeds = 1"), "at least one. Received: 1."),
        (("seeds = [1, 2]", 'seeds = ["a"]'), "Received: ['a']."),
        (("seeds = [1, 2]", "seeds = [true]"), "Received: [True]."),
        (
            ('title = "As it is"', "title = 5"),
            "`title` of a row must be a text. Received: 5.",
        ),
        (('page = "page.md"', "page = 5"), "`page` of the table must be a"),
        (
            ('page = "page.md"', 'page = "."'),
            "`page` must be a Markdown file. Received: the folder .",
        ),
        (
            ('["train.batch_size = -1"]', '"train.batch_size = -1"'),
            "`params` of a row must be a list of texts. Received: 'train.",
        ),
        (
            ('"As it is"', '"no such: batch!"'),
            "Received: 'no such: batch!' and 'No such batch', both "
            "'no-such-batch'. Change one.",
        ),
        (('"As it is"', '"σ"'), "a-z or a digit, which its folder is called"),
        (
            ('weights = "raw"', 'weights = "raw"\nmetric = "loss"'),
            "a column must have either `metric`, or `name` and `weights`.",
        ),
        (
            ("seeds = [1]", 'seeds = [1]\ncheckpoint = "nonsense"'),
            '`checkpoint` of a row must be "best", "newest" or a step. '
            "Received: 'nonsense'.",
        ),
        (("seeds = [1]", "seeds = [1]\ncheckpoint = -3"), "Received: -3."),
    ],
)
def test_a_table_that_says_nonsense_is_refused(folder, change, message):
    assert change[0] in DIGITS
    write(folder, DIGITS.replace(*change))
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Table("digits.toml")


@pytest.mark.parametrize(
    ("rows", "received"),
    [
        ("rows = []", "Received: []."),
        ("[rows]\ntitle = 'A'", "Received: {'title': 'A'}."),
    ],
)
def test_a_table_needs_rows_that_are_a_list(folder, rows, received):
    write(folder, f"page = 'page.md'\ncolumns = []\n{rows}\n")
    message = (
        "`rows` of the table must be [[rows]], once for each row, at least "
        f"one. {received}"
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Table("digits.toml")


def test_a_table_that_is_no_text_is_refused(folder):
    (folder / "digits.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="must name a TOML file"):
        Table("digits.toml")


@pytest.mark.parametrize("checkpoint", ['"best"', '"newest"', "3", '"3"'])
def test_a_checkpoint_is_named_as_on_the_command_line(folder, checkpoint):
    change = f"seeds = [1]\ncheckpoint = {checkpoint}"
    write(folder, DIGITS.replace("seeds = [1]", change))
    run = Table("digits.toml").all_runs()[-1]
    name = checkpoint.strip('"')
    assert run.commands()[1][-1] == f"--checkpoint={name}"


def test_a_run_wants_those_that_it_begins_from(folder):
    begins = "initialize_from.run = 'runs/digits/as-it-is/seed-10'"
    text = DIGITS.replace("train.batch_size = -1", begins)
    write(folder, text.replace("seeds = [1, 2]", "seeds = [1, 10]"))
    table = Table("digits.toml")
    first, tenth, last = table.all_runs()
    assert table.wanting(tenth) is None
    assert table.wanting(last) == tenth
    finish(tenth, {"raw": 1.0})
    assert first.results() is None
    assert table.wanting(last) is None


@pytest.mark.parametrize("path", sorted((ROOT / "tables").glob("*.toml")))
def test_the_tables_of_the_docs_can_be_read_and_have_a_place(path):
    table = Table(str(path))
    page = (ROOT / table.page).read_text()
    assert f"<!-- table: {path.stem} -->" in page
    for row in table.rows:
        assert (ROOT / row["recipe"]).exists()
