"""The command line: flags -> one call. Nothing heavy is imported before that.

python -m ganzoo.run --gin_file=gin/mnist_mlp.gin
python -m ganzoo.run --gin_file=gin/mnist_mlp.gin
--gin_param='train.num_steps=20' python -m ganzoo.run --mode=evaluate
--run_dir=runs/mnist_mlp python -m ganzoo.run --list
"""

import os
import pathlib
import random
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from absl import flags
from absl import logging as absl_logging

from ganzoo.errors import ConfigurationError, GanzooError, did_you_mean

FLAGS = flags.FLAGS

flags.DEFINE_multi_string(
    "gin_file", [], "Recipe; more than one are read in order."
)
flags.DEFINE_multi_string(
    "gin_param", [], "A binding such as 'train.num_steps=20'; wins over files."
)
flags.DEFINE_string(
    "run_dir", None, "Where the run is kept. Default: runs/<recipe>."
)
flags.DEFINE_list(
    "mode",
    ["train", "evaluate"],
    "What to do, in order: train, evaluate. Default: both.",
)
flags.DEFINE_bool("list", False, "Lists the components that are installed.")
flags.DEFINE_string(
    "describe", None, "Says all about one component, such as generators.mlp."
)


_MODES = ("train", "evaluate")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command line and exits: 0, or 2 where the user can mend it."""
    sys.exit(run(list(sys.argv if argv is None else argv)))


def run(argv: list[str]) -> int:
    """Runs a command line; returns the exit status.

    0: done. 2: something that the user can mend; the message says what. 128 +
    n: signal n came, and everything is saved.
    """
    try:
        rest = FLAGS(argv)[1:]
        if rest:
            raise ConfigurationError(
                f"Every argument must be a flag. Received: {rest[0]!r}. A "
                "recipe is given as --gin_file=FILE."
            )
        return _dispatch()
    except flags.Error as error:
        print(f"{error} See --help.", file=sys.stderr)
    except GanzooError as error:
        if FLAGS.is_parsed() and absl_logging.get_verbosity() > 0:
            traceback.print_exc()
        print(f"Error: {error}", file=sys.stderr)
    return 2


def _dispatch() -> int:
    if FLAGS.list:
        from ganzoo.catalogue import list_components

        print(list_components())
        return 0
    if FLAGS.describe:
        from ganzoo.catalogue import describe

        print(describe(FLAGS.describe))
        return 0
    for mode in FLAGS.mode:
        if mode not in _MODES:
            raise ConfigurationError(
                f"No mode named {mode!r}.{did_you_mean(mode, _MODES)} There "
                "are: "
                f"{', '.join(_MODES)}."
            )
    return _work_on_run()


def _work_on_run() -> int:
    """Resolves the configuration, takes the run directory, does the modes."""
    from ganzoo import configuration
    from ganzoo.run_directory import RunDirectory

    if not FLAGS.gin_file and not FLAGS.run_dir:
        raise ConfigurationError(
            "Nothing to do: give a recipe with --gin_file, a finished run with "
            "--run_dir, or see --list and --help."
        )
    directory = RunDirectory(
        FLAGS.run_dir
        or pathlib.Path("runs") / pathlib.Path(FLAGS.gin_file[0]).stem
    )
    files = FLAGS.gin_file or [str(directory.existing_config())]
    found = configuration.read(files, FLAGS.gin_param)
    with directory.hold():
        if "experiment.seed" not in found.bindings():
            seed = directory.recorded_seed()
            if seed is None:
                seed = random.SystemRandom().randrange(2**31)
            found = configuration.read(
                files, [*FLAGS.gin_param, f"experiment.seed = {seed}"]
            )
        print(f"Seed: {found.bindings()['experiment.seed']}")
        directory.claim(found)
        # Before TensorFlow is imported, or it has already spoken.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        found.activate()
        return _do_modes(found, directory)


def _do_modes(found: Any, directory: Any) -> int:
    from ganzoo.session import Session
    from ganzoo.training import Interrupted

    session = Session(found, directory)
    try:
        for mode in FLAGS.mode:
            getattr(session, mode)()
    except Interrupted as interrupted:
        print(
            f"Stopped at step {interrupted.step:,} and saved. To go on: "
            f"python -m ganzoo.run --run_dir={directory.path}"
        )
        return 128 + interrupted.signal_number
    directory.write("operative_config.gin", found.operative_text())
    if unused := found.unused_bindings():
        print(f"Bound, but never used: {', '.join(unused)}.", file=sys.stderr)
    print(session.summary())
    return 0


if __name__ == "__main__":
    main()
