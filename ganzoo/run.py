"""The command line: flags -> one call. Nothing heavy is imported before that.

Train and score a recipe, score a run again, see what there is:

    python -m ganzoo.run --gin_file=gin/mnist_mlp.gin
    python -m ganzoo.run --mode=evaluate --run_dir=runs/mnist_mlp
    python -m ganzoo.run --list

Run the same command again and it goes on from the last checkpoint.
"""

import gc
import importlib
import os
import pathlib
import random
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from ganzoo.commands.command_flags import (
    FLAGS_OF_MODES,
    check_flags,
    define_flags,
    usage,
)
from ganzoo.errors import ConfigurationError, GanzooError, RunError


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command line and exits with its status."""
    # What imports and tracing make stays: to look through it for garbage at
    # every 700 objects, as Python does, takes a sixth of the imports' time.
    gc.set_threshold(100_000, 20, 20)
    try:
        status = run(list(sys.argv if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # Whoever read, such as `head`, has enough.
        # Python flushes once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    sys.exit(status)


def run(argv: list[str]) -> int:
    """Runs a command line, given with the name of the program in front.

    Returns:
        0 if all is done; 1 if --check found something broken, or a run or a
        number of a table is missing; 2 if something is wrong that the user can
        mend, after a message that says what; 128 + n if signal n came and all
        is saved.
    """
    chosen = define_flags()
    try:
        rest = chosen(argv)[1:]
        if chosen.mode == ["compare"]:
            from ganzoo.scores.comparing import compare

            print(compare(rest))
            return 0
        if rest:
            raise ConfigurationError(
                f"Every argument must be a flag. Received: {rest[0]!r}. A "
                "recipe is given as --gin_file=FILE."
            )
        if chosen.workers:
            from ganzoo.distribution import launching

            # The last of several flags of one name holds.
            command = [sys.executable, "-m", "ganzoo.run", *argv[1:]]
            return launching.launch(chosen.workers, [*command, "--workers=0"])
        return _dispatch(chosen)
    except flags.Error as error:
        print(f"Error: {error} See --help.", file=sys.stderr)
    except GanzooError as error:
        if chosen.is_parsed() and chosen.verbosity > 0:
            traceback.print_exc()
        print(f"Error: {error}", file=sys.stderr)
    return 2


def _dispatch(chosen: flags.FlagValues) -> int:
    # Before TensorFlow is imported, or it has already spoken.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Its products and convolutions, which TensorFlow leaves out on some
    # processors, are faster where it was tried: docs/performance.md.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    for name, text in _TEXTS.items():
        if chosen[name].value:
            print(text(chosen))
            return 0
    if chosen.check:
        return _check()
    check_flags(chosen)
    if chosen.mode == ["reproduce"]:
        return _reproduce(chosen)
    if chosen.samples:
        return _evaluate_samples(chosen)
    if chosen.export_dir or set(chosen.mode) & {"serve", "convert"}:
        return _work_on_export(chosen)
    return _work_on_run(chosen)


def _list(chosen: flags.FlagValues) -> str:
    from ganzoo.catalogue import list_components

    return list_components()


def _describe(chosen: flags.FlagValues) -> str:
    from ganzoo.commands.describing import describe

    return describe(chosen.describe)


def _new_plugin(chosen: flags.FlagValues) -> str:
    from ganzoo.commands.template import write_plugin

    return write_plugin(chosen.new_plugin, chosen.kind, chosen.output or ".")


def _check() -> int:
    from ganzoo.commands.checking import check_installed

    report, is_whole = check_installed()
    print(report)
    return 0 if is_whole else 1


def _dry_run(chosen: flags.FlagValues) -> str:
    from ganzoo import configuration

    if not chosen.gin_file and not chosen.run_dir:
        raise ConfigurationError(
            "`--dry_run` needs a recipe. Received: none. Add --gin_file=FILE "
            "or --run_dir=RUN."
        )
    found = configuration.read(_recipe(chosen), chosen.gin_param)
    found.activate()
    from ganzoo.commands.inspection import describe_run

    return describe_run(found)


# Flags that are answered by a text, whatever the mode.
_TEXTS: dict[str, Callable[[flags.FlagValues], str]] = {
    "help": usage,
    "list": _list,
    "describe": _describe,
    "new_plugin": _new_plugin,
    "dry_run": _dry_run,
}


def _evaluate_samples(chosen: flags.FlagValues) -> int:
    """Scores a file of samples as a run's or a recipe's are scored."""
    from ganzoo import configuration

    if chosen.mode != ["evaluate"] or not (chosen.gin_file or chosen.run_dir):
        raise ConfigurationError(
            "`--samples` needs --mode=evaluate, and --gin_file or --run_dir "
            "for data set and evaluators. Received: --mode="
            f"{','.join(chosen.mode)}. Add what is missing."
        )
    found = configuration.read(_recipe(chosen), chosen.gin_param)
    found.activate()
    from ganzoo.scores.evaluation import evaluate_file

    dataset = configuration.configured("experiment")().dataset
    evaluate = configuration.configured("evaluate")
    print(f"Numbers are in {evaluate_file(chosen.samples, dataset, evaluate)}")
    return 0


def _reproduce(chosen: flags.FlagValues) -> int:
    from ganzoo import configuration
    from ganzoo.scores.result_tables import reproduce

    return reproduce(
        chosen.table,
        lambda *recipe: configuration.read(*recipe).bindings(),
    )


def _work_on_export(chosen: flags.FlagValues) -> int:
    """Does a mode that needs an export, and neither recipe nor game."""
    if len(chosen.mode) > 1:
        raise ConfigurationError(
            "A mode that works on an export stands alone. Received: "
            f"--mode={','.join(chosen.mode)}. Use it in a call of its own."
        )
    (mode,) = chosen.mode
    module, function = {
        "sample": ("ganzoo.serving.sample_writer", "sample_export"),
        "serve": ("ganzoo.serving.server", "serve"),
        "convert": ("ganzoo.serving.converting", "convert"),
    }[mode]
    path = chosen.export_dir or _run_path(chosen) / "export"
    try:
        work = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise RunError(
            f"`--mode={mode}` needs the module {error.name!r}, which is not "
            f"installed. Install it with `pip install 'ganzoo[{mode}]'`."
        ) from error
    work(path, *(chosen[name].value for name in FLAGS_OF_MODES[mode][1:]))
    return 0


def _run_path(chosen: flags.FlagValues) -> pathlib.Path:
    """Where the run is, or ConfigurationError if nothing says it."""
    if not chosen.gin_file and not chosen.run_dir:
        raise ConfigurationError(
            "There is nothing to do. Give a recipe with --gin_file, a run with "
            "--run_dir, or see --list and --help."
        )
    return pathlib.Path(
        chosen.run_dir
        or pathlib.Path("runs") / pathlib.Path(chosen.gin_file[0]).stem
    )


def _recipe(chosen: flags.FlagValues) -> list[str]:
    """The files that are given, or the run's own."""
    from ganzoo.storage.run_directory import RunDirectory

    directory = RunDirectory(_run_path(chosen))
    return chosen.gin_file or [str(directory.existing_config())]


def _work_on_run(chosen: flags.FlagValues) -> int:
    """Resolves the configuration, takes the run directory, does the modes."""
    from ganzoo import configuration
    from ganzoo.distribution import workers
    from ganzoo.storage.run_directory import RunDirectory

    directory = RunDirectory(_run_path(chosen))
    files = _recipe(chosen)
    found = configuration.read(files, chosen.gin_param)
    with directory.hold():
        if "experiment.seed" not in found.bindings():
            seed = directory.recorded_seed()
            if seed is None and len(workers.this_worker().addresses) > 1:
                raise ConfigurationError(
                    "`experiment.seed` must be bound where there are several "
                    "workers: each would choose another. Received: none. Add "
                    "--gin_param='experiment.seed=0'."
                )
            if seed is None:
                seed = random.SystemRandom().randrange(2**31)
            found = configuration.read(
                files, [*chosen.gin_param, f"experiment.seed = {seed}"]
            )
        directory.compare(found)
        print(f"Seed: {found.bindings()['experiment.seed']}", flush=True)
        found.activate()
        with directory.unless_in_vain():
            return _do_modes(chosen, found, directory)


def _do_modes(chosen: flags.FlagValues, found: Any, directory: Any) -> int:
    from ganzoo.commands.session import Session
    from ganzoo.training.experiment import Interrupted

    try:
        session = Session(found, directory, chosen.checkpoint)
        for mode in chosen.mode:
            names = FLAGS_OF_MODES.get(mode, ())[1:]
            getattr(session, mode)(*(chosen[name].value for name in names))
        session.finish()
        if not session.is_chief:
            return 0
    except Interrupted as interrupted:
        session.finish()
        print(
            f"Stopped at step {interrupted.step:,} and saved. To go on: "
            f"python -m ganzoo.run --run_dir={directory.path}"
        )
        return 128 + interrupted.signal_number
    if "train" in chosen.mode:
        directory.write("operative_config.gin", found.operative_text())
    # A mode alone uses a part of the bindings, and cannot tell of the rest.
    is_whole = {"train", "evaluate"} <= set(chosen.mode)
    unused = found.unused_bindings() if is_whole else found.idle_bindings()
    if unused:
        print(f"Bound, but never used: {', '.join(unused)}.", file=sys.stderr)
    print(session.summary())
    return 0


if __name__ == "__main__":
    main()
