"""What the core itself lets a configuration name, and where it is.

A name without a dot is a function that the core calls: its keyword-only
parameters are bound, and a value hands it on uncalled (`@alternating`).
"""

# Functions that the core calls, whether or not anything refers to them.
CALLED = (
    "experiment",
    "build_gan",
    "train",
    "initialize_from",
    "evaluate",
    "draw_figures",
)
# Functions of the core that build and do nothing else.
BUILDERS = ("experiment", "build_gan", "mlp_encoder")

CORE = {
    "experiment": "ganzoo.training.experiment:Experiment",
    "build_gan": "ganzoo.building:build_gan",
    "train": "ganzoo.training.experiment:train",
    "initialize_from": "ganzoo.transfer:initialize_from",
    "evaluate": "ganzoo.scores.evaluation:evaluate",
    "draw_figures": "ganzoo.pictures.paper_figures:draw_figures",
    "alternating": "ganzoo.gan:alternating",
    "simultaneous": "ganzoo.gan:simultaneous",
    "update_rules.generator_steps": "ganzoo.update_rules:GeneratorSteps",
    "pacing.constant": "ganzoo.pacing:Constant",
    "pacing.delayed": "ganzoo.pacing:Delayed",
    "pacing.every": "ganzoo.pacing:Every",
    "pacing.alternating_epochs": "ganzoo.pacing:AlternatingEpochs",
    "transforms.noise": "ganzoo.transforms:Noise",
    "transforms.diff_augment": "ganzoo.transforms:DiffAugment",
    "transforms.enlarge_gradients": "ganzoo.transforms:EnlargeGradients",
    "resting": "ganzoo.companions:resting",
    "mlp_encoder": "ganzoo.inference:mlp_encoder",
    "companions.inference": "ganzoo.inference:Inference",
    "latents.uniform": "ganzoo.latents:Uniform",
    "latents.gaussian": "ganzoo.latents:Gaussian",
    "latents.spherical": "ganzoo.latents:Spherical",
    "latents.truncated": "ganzoo.latents:Truncated",
    "latents.mixture": "ganzoo.latents:Mixture",
    "latents.learned_diagonal": "ganzoo.latents:LearnedDiagonal",
    "latents.bernoulli": "ganzoo.latents:Bernoulli",
    "latents.joined": "ganzoo.latents:Joined",
    "masks.right_half": "ganzoo.masks:RightHalf",
    "masks.blocks": "ganzoo.masks:Blocks",
    "masks.pixels": "ganzoo.masks:Pixels",
    "masks.mixture": "ganzoo.masks:Mixture",
    "features.pixels": "ganzoo.features:Pixels",
    "features.random_convolutions": "ganzoo.features:RandomConvolutions",
    "features.inception": "ganzoo.features:Inception",
    "features.classifier": "ganzoo.classifier:Classifier",
    "optimizers.sgd": "ganzoo.optimizers:SGD",
    "optimizers.adam": "ganzoo.optimizers:Adam",
    "optimizers.rmsprop": "keras.optimizers:RMSprop",
    "optimizers.exponential_decay": "ganzoo.schedules:ExponentialDecay",
    "optimizers.linear_ramp": "ganzoo.schedules:LinearRamp",
    "strategies.one_device": "ganzoo.distribution.strategies:one_device",
    "strategies.mirrored": "ganzoo.distribution.strategies:mirrored",
    "strategies.multi_worker": "ganzoo.distribution.strategies:multi_worker",
}
