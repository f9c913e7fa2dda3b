"""A table of runs, trained one after the other and written into a page.

What its file says is read by `table_files`; `table_pages` writes it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

from ganzoo.errors import GanzooError
from ganzoo.scores.reproducing import Busy, Run, Stopped
from ganzoo.scores.table_files import Table
from ganzoo.scores.table_pages import Page

# Of recipes and bindings: name -> text of the value, nothing imported for it.
Read = Callable[[Sequence[str], Sequence[str]], Mapping[str, str]]


def reproduce(path: str, read: Read) -> int:
    """Does what is not done yet of a table, a run at a time, and writes it.

    Several processes may work on a table: each does what no other is at.

    Args:
        path: A TOML file; see `table_files`.
        read: What recipes and bindings say together.

    Returns:
        0 if all is done and has its numbers, 1 if not; 128 + n if signal n
        came.

    Raises:
        ConfigurationError: If the file says nonsense.
        RunError: If its page has no place for it.
    """
    table = Table(path)
    page = Page(table)
    page.write()
    is_left = False
    for run in table.all_runs():
        bound, failure = _bound(run, read)
        if failure is None and run.is_done(bound):
            continue
        before = table.wanting(run)
        if before is not None:
            print(
                f"{run.path} is left: {before.path}, from which it begins, is "
                "not done.",
                file=sys.stderr,
            )
            is_left = True
            continue
        try:
            failure = failure or run.objection(bound) or run.play(bound)
        except Busy as busy:
            print(f"{run.path} is left: {busy}", file=sys.stderr)
            is_left = True
            continue
        except Stopped as stopped:
            print(stopped, file=sys.stderr)
            return 128 + stopped.signal_number
        if failure is not None:
            page.failures[run.path] = failure
            print(f"{run.path} failed: {failure}", file=sys.stderr)
        page.write()
    page.write()  # Others may have done some meanwhile.
    page.draw()
    for fault in page.faults:
        print(fault, file=sys.stderr)
    return 1 if is_left or page.failures or page.faults else 0


def _bound(run: Run, read: Read) -> tuple[Mapping[str, str], str | None]:
    """What a run's recipe and bindings say, or why they cannot be read."""
    try:
        return read([run.recipe], run.bindings), None
    except GanzooError as error:
        return {}, str(error)
