"""Files that are whole or not there, whoever is killed meanwhile."""

import os
import pathlib


def write(path: pathlib.Path, content: bytes | str) -> None:
    """Writes a file in one go: never half of it is seen.

    Args:
        path: The file; its folders are made.
        content: Of it, text as UTF-8.
    """
    if isinstance(content, str):
        content = content.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
