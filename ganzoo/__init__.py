"""ganzoo: generative adversarial nets as parts that plug together.

The map of the package. Read `ganzoo/gan.py` first; imports point one way:

    errors, interfaces      what can go wrong; what each kind promises
    registry, catalogue     entry points -> components; --list and --describe
    configuration           gin: a config loads exactly what it names, with
                            core_names (what is not a component), gin_files,
                            names, bindings, signatures as its parts
    latents, randomness     priors of z; every draw, a pure function
    conditions, masks       labels and masked examples, as networks take them
    layers, maxout          dropout, one bias per pixel; maxout, on convolutions
    optimizers, schedules   momentum and rates that really move
    transforms, pacing      what D sees of samples; when a player moves
    initializers, factories what the built-in networks share
    strategies, pipeline    where a step runs; what it is fed, of example_sets
    minibatches, networks, objectives
                            a round's examples; how the nets are called; how
                            loss terms add up
    averaging               averages of weights
    gan, update_rules       Algorithm 1; other orders of moves
    companions, inference   nets trained beside it; from samples back to z,
                            or to one of G's hidden_layers
    building, transfer      a game from its parts, or from another run's weights
    sampling, figures       a trained game as a source of samples, and from
                            samples back (reconstruction); pictures
    checkpoints, callbacks  what a run keeps, in checkpoint_files, and says
    monitors, scoring       what is watched on the way: errors, slopes, scores
    whole_files             written in one go
    run_directory           one recipe, one process at a time
    training, evaluation    the loop around the game; numbers with protocols
    cache, features         what is kept by a hash of the data; what evaluators
                            compare, with classifier for the data's own labels
    samples_file, comparing other people's samples; several runs ranked
    reproducing, result_tables
                            tables of runs, trained and written into a page
    paper_figures, report   Figures 1 (density_figure) to 3, conditions
                            (conditional_figures), reconstructions
                            (inference_figure), curves; one page
    endpoints, exporting    what a trained game answers; as a SavedModel
    exports                 SavedModels on the disk, read by TensorFlow alone
    sample_writer           any number of samples to files
    serving, converting     an export over HTTP, with batching and rest_format
                            as its parts; as LiteRT and ONNX
    divergence, loop, saving, workers, replicas, gradients, launching
                            what `training` rests on: guards, checkpoints,
                            several devices and processes
    session, run            one command; the command line, with command_flags
    testing, checking, inspection, template
                            for plugin authors: the conformance kit, --check,
                            --dry_run, --new_plugin

`generators/`, `discriminators/`, `losses/`, `datasets/` and `evaluators/` hold
the built-in components, which come through the same entry points as everyone
else's. This module imports nothing.
"""

__version__ = "0.1.0"
