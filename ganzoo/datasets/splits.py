"""The three splits that every data set has, and what is said of a fourth."""

from ganzoo.errors import DataError, did_you_mean

SPLITS = ("train", "validation", "test")


def check(split: str) -> None:
    """Raises `DataError` unless `split` is one of `SPLITS`."""
    if split not in SPLITS:
        raise DataError(
            f"`split` must be one of {', '.join(SPLITS)}. Received: {split!r}."
            f"{did_you_mean(str(split), SPLITS)}"
        )
