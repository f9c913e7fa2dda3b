"""What can go wrong, as far as a user can mend it.

Every message reads: subject, rule, what was received, remedy. `ganzoo.run`
prints them without a traceback and exits with status 2.
"""

import difflib
from collections.abc import Iterable


class GanzooError(Exception):
    """Something the user can mend; the message says what and how."""


class ConfigurationError(GanzooError):
    """A gin file or `--gin_param` says something that cannot be meant."""


class ComponentError(GanzooError):
    """A component is unknown, cannot be loaded, or breaks its contract."""


class DataError(GanzooError):
    """A data set is missing, damaged or of the wrong form."""


class RunError(GanzooError):
    """A run directory cannot be used as asked."""


class CheckpointError(RunError):
    """A checkpoint is damaged or belongs to something else."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the nearest candidate, or ""."""
    near = difflib.get_close_matches(name, list(candidates), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
