"""The flags of the command line, and what --help says about them."""

from collections.abc import Callable
from typing import Any

from absl import flags

from ganzoo.errors import ConfigurationError, did_you_mean

# What --mode may name. For each that works on a run, `session.Session` has a
# method.
MODES = {
    "train": "train up to train.num_steps, from the last checkpoint on",
    "evaluate": "score a checkpoint: evaluation.json",
    "figures": "draw the paper's figures and the curves of the run: figures/",
    "report": "write one page about the run: report.html",
    "export": "write a SavedModel: export/<version>",
    "sample": "write samples, of a checkpoint or of an export",
    "serve": "answer HTTP requests by an export, and show its samples",
    "convert": "write an export's generator as LiteRT or ONNX",
    "compare": "rank the numbers of the runs that are named behind the flags",
    "reproduce": "train and score the runs of --table, and write it",
}
_DEFAULT_MODES = ["train", "evaluate", "figures", "report", "export"]
# Flags that only some modes read.
FLAGS_OF_MODES = {
    "sample": ("export_dir", "num_samples", "sample_seed", "output", "classes"),
    "serve": ("export_dir", "host", "port"),
    "convert": ("export_dir", "output"),
    "reproduce": ("table",),
}
# Those that work on a checkpoint of a run, which --checkpoint chooses.
CHECKPOINT_MODES = ("evaluate", "figures", "export", "sample")

_USAGE = """Generative adversarial nets as parts that plug together.

  python -m ganzoo.run --gin_file=gin/mnist_mlp.gin
  python -m ganzoo.run --mode=evaluate --run_dir=runs/mnist_mlp
  python -m ganzoo.run --list

Flags:"""


_FLAGS: tuple[tuple[Callable[..., Any], str, Any, str], ...] = (
    (
        flags.DEFINE_multi_string,
        "gin_file",
        [],
        "recipe; several are read in order",
    ),
    (
        flags.DEFINE_multi_string,
        "gin_param",
        [],
        "binding such as 'train.num_steps=20', read after the files",
    ),
    (
        flags.DEFINE_string,
        "run_dir",
        None,
        "where the run is kept (default: runs/<recipe>); alone, that run's own "
        "recipe is used",
    ),
    (
        flags.DEFINE_string,
        "samples",
        None,
        "with --mode=evaluate: score the samples in this .npy or .npz file "
        "by the recipe's data set and evaluators",
    ),
    (
        flags.DEFINE_integer,
        "workers",
        0,
        "start so many workers on this machine, for strategies.multi_worker",
    ),
    (
        flags.DEFINE_string,
        "table",
        None,
        "with --mode=reproduce: TOML file of a table, such as "
        "tables/mnist.toml",
    ),
    (
        flags.DEFINE_list,
        "mode",
        _DEFAULT_MODES,
        f"what to do, several in order (default: {','.join(_DEFAULT_MODES)}). "
        + "; ".join(f"{name}: {text}" for name, text in MODES.items()),
    ),
    (
        flags.DEFINE_string,
        "checkpoint",
        "newest",
        "which one --mode=evaluate, figures, export and sample work on: "
        "newest, best, or a step such as 12500",
    ),
    (
        flags.DEFINE_string,
        "export_dir",
        None,
        "export, or folder of its versions, to sample, serve or convert "
        "(default for the latter two: the run's newest)",
    ),
    (
        flags.DEFINE_string,
        "output",
        None,
        "what --mode=sample writes: x.png (a grid), x.npz, x.tfrecord, or a "
        "folder of images; what --mode=convert writes: x.tflite or x.onnx; "
        "with --new_plugin: folder that its folder is made in (default: .)",
    ),
    (
        flags.DEFINE_integer,
        "num_samples",
        64,
        "how many samples --mode=sample writes",
    ),
    (
        flags.DEFINE_integer,
        "sample_seed",
        0,
        "of the samples that --mode=sample writes",
    ),
    (
        flags.DEFINE_list,
        "classes",
        None,
        "classes that samples of --mode=sample are of, in turn, such as 1,7 "
        "(default: all of them; for games that take a class)",
    ),
    (
        flags.DEFINE_string,
        "host",
        "127.0.0.1",
        "address that --mode=serve listens at (default: this machine alone)",
    ),
    (
        flags.DEFINE_integer,
        "port",
        8501,
        "port that --mode=serve listens at; 0 takes a free one",
    ),
    (
        flags.DEFINE_bool,
        "list",
        False,
        "list the installed components, and what the core has",
    ),
    (
        flags.DEFINE_string,
        "describe",
        None,
        "say all about one name of --list, such as generators.mlp or train",
    ),
    (
        flags.DEFINE_bool,
        "check",
        False,
        "load and check every installed component; exits 1 if one is broken",
    ),
    (
        flags.DEFINE_bool,
        "dry_run",
        False,
        "build what a recipe, or a run's own, comes to and describe it; "
        "nothing is written",
    ),
    (
        flags.DEFINE_string,
        "new_plugin",
        None,
        "write a package of this name, with a component of --kind",
    ),
    (
        flags.DEFINE_string,
        "kind",
        "generators",
        "of the component in the new package",
    ),
    (
        flags.DEFINE_integer,
        "verbosity",
        0,
        "1 shows the traceback of an error",
    ),
    (
        flags.DEFINE_bool,
        "help",
        False,
        "say all this",
    ),
)


def define_flags() -> flags.FlagValues:
    """The flags, at their defaults."""
    found = flags.FlagValues()
    for define, name, default, text in _FLAGS:
        define(name, default, text, flag_values=found)
    return found


def check_flags(chosen: flags.FlagValues) -> None:
    """Raises ConfigurationError if the modes and the flags do not fit."""
    given = f"--mode={','.join(chosen.mode)}"
    for mode in chosen.mode:
        if mode not in MODES:
            raise ConfigurationError(
                f"No mode named {mode!r}.{did_you_mean(mode, MODES)} There "
                f"are: {', '.join(MODES)}."
            )
    for mode in ("compare", "reproduce"):
        if mode in chosen.mode and len(chosen.mode) > 1:
            raise ConfigurationError(
                f"`--mode={mode}` stands alone. Received: {given}. Use it in a "
                "call of its own."
            )
    taken = {
        name for mode in chosen.mode for name in FLAGS_OF_MODES.get(mode, ())
    }
    for mode, names in FLAGS_OF_MODES.items():
        for name in names:
            if chosen[name].present and name not in taken:
                raise ConfigurationError(
                    f"`--{name}` is for --mode={mode}. Received: {given}. "
                    "Leave it out, or change the mode."
                )
    fits = (
        set(chosen.mode) & set(CHECKPOINT_MODES)
        and set(chosen.mode) <= {*CHECKPOINT_MODES, "report"}
        and not (chosen.samples or chosen.export_dir)
    )
    if chosen["checkpoint"].present and not fits:
        raise ConfigurationError(
            "`--checkpoint` is for a run in --mode="
            f"{','.join(CHECKPOINT_MODES)}. Received: {given}. Leave out the "
            "flag, or what does not go with it."
        )
    if not -(2**63) <= chosen.sample_seed < 2**63:
        raise ConfigurationError(
            "`--sample_seed` must be an integer of 64 bits. Received: "
            f"{chosen.sample_seed}. Take a smaller one."
        )
    if "table" in taken and not chosen.table:
        raise ConfigurationError(
            f"`{given}` needs a table. Received: none. Add --table, such as "
            "--table=tables/mnist.toml."
        )
    if "output" in taken and not chosen.output:
        raise ConfigurationError(
            f"`{given}` needs a file to write. Received: none. Add --output, "
            "such as --output=samples.png; see --help."
        )


def usage(chosen: flags.FlagValues) -> str:
    """What --help says."""
    lines = [
        f"  --{name}: {chosen[name].help}"
        for name in chosen
        if name not in ("undefok", "flagfile")  # absl's own.
    ]
    return "\n".join([_USAGE, *lines])
