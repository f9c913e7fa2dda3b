"""ganzoo: generative adversarial nets as parts that plug together.

The map of the package. Read `ganzoo/gan.py` first. A line imports what stands
above it, never what stands below; a folder's `__init__` is the folder's map.

    errors, interfaces, checks
                            what can go wrong; what each kind promises; what is
                            asked of arguments
    core_names, signatures, registry, catalogue
                            what recipes may name of the core's; entry points ->
                            components; --list
    configuration/          gin: a config loads exactly what it names

    randomness, latents     every draw, a pure function; priors of z
    needed_rows, convolutions, layers, maxout, initializers, factories
                            what the built-in networks share
    conditions, masks       labels and masked examples, as networks take them
    schedules, optimizers   momentum and rates that really move
    transforms, pacing      what D sees of samples; when a player moves
    example_sets, pipeline  what a data set gives; what a step is fed
    distribution/           where a step runs: devices, processes

    minibatches, objectives, networks
                            a round's examples; how loss terms add up; how the
                            nets are called
    gradients, averaging    of both players at once; averages of weights
    gan, update_rules       Algorithm 1; other orders of moves
    hidden_layers, companions, inference
                            nets trained beside it; from samples back to z, or
                            to a layer of G
    storage/                what a run keeps on disk, and a cache
    features, classifier    what evaluators compare
    averaged_weights, reconstruction, sampling
                            a trained game as a source of samples, and back
    building, transfer      a game from its parts, or from another run's weights

    scores/                 numbers with their protocols, compared, in tables
    pictures/               grids, curves, the paper's figures, one page
    training/               the loop around the game, and what it stops for
    serving/                a trained game elsewhere: SavedModel, files, HTTP
    testing/                for plugin authors: the conformance kit
    commands/, run          what --mode and other flags do; the command line

`generators/`, `discriminators/`, `losses/`, `datasets/` and `evaluators/` hold
the built-in components, which come through the same entry points as everyone
else's. This module imports nothing.
"""

__version__ = "0.1.0"
