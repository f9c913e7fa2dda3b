"""Where a step runs: one device, all local GPUs, several workers.

Each of the first three functions returns a `tf.distribute.Strategy`; models are
built within its `scope()`.
"""

import faulthandler
import os

import tensorflow as tf

from ganzoo.checks import check_counts
from ganzoo.distribution import workers
from ganzoo.errors import ConfigurationError

# What TensorFlow takes to connect workers that are all there, generously.
_START_SECONDS = 60


def one_device(device: str | None = None) -> tf.distribute.Strategy:
    """The GPU if there is one, else the CPU; or the `device` named.

    Args:
        device: Such as "GPU:1" or "CPU:0". None: TensorFlow's own choice.
    """
    if device is None:
        return tf.distribute.get_strategy()
    names = [logical.name for logical in tf.config.list_logical_devices()]
    if not any(name.endswith(device.upper()) for name in names):
        raise ConfigurationError(
            f"`device` must be one of {', '.join(names)}. Received: {device!r}."
        )
    return tf.distribute.OneDeviceStrategy(device)


def mirrored(
    devices: list[str] | None = None, num_cpus: int | None = None
) -> tf.distribute.Strategy:
    """One replica on each local GPU (or on each of `devices`).

    Every replica takes its share of the batch; gradients are summed over them.

    Args:
        devices: Such as ["GPU:0", "GPU:1"]. None: all GPUs, else the CPUs.
        num_cpus: Splits the CPU into so many first: to try replicas out on a
            machine without GPUs.

    Raises:
        ConfigurationError: If there is no such device.
    """
    if num_cpus is not None:
        _split_cpu(num_cpus)
    gpus = tf.config.list_logical_devices("GPU")
    cpus = tf.config.list_logical_devices("CPU")
    found = [device.name for device in (cpus if num_cpus else gpus or cpus)]
    devices = devices or found
    on_cpu = any("CPU" in device.upper() for device in devices)
    # Collectives of two strategies in one process clash on the CPU.
    reduction = tf.distribute.ReductionToOneDevice() if on_cpu else None
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


def multi_worker(start_timeout_seconds: float = 120) -> tf.distribute.Strategy:
    """Replicas in several processes, on one machine or many.

    `TF_CONFIG` says who they are (see `workers`); each takes its share of the
    batch. All must see the same run directory, which worker 0 writes.

    Args:
        start_timeout_seconds: How long to wait for the others to start.

    Raises:
        ConfigurationError: If `TF_CONFIG` is missing or unsound.
        RunError: If a worker does not come in time; it is named.
    """
    if not os.environ.get("TF_CONFIG"):
        raise ConfigurationError(
            "`strategies.multi_worker` needs `TF_CONFIG` in the environment. "
            "Received: none. Start workers on this machine by --workers=N, or "
            "see docs/exactness.md."
        )
    workers.meet(workers.this_worker(), start_timeout_seconds)
    implementation = tf.distribute.experimental.CommunicationImplementation
    has_gpus = bool(tf.config.list_physical_devices("GPU"))
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=implementation.AUTO if has_gpus else implementation.RING
    )
    # A worker that answered and died since would hang this one, which could
    # not even be told to stop: only a thread outside of Python can end it.
    faulthandler.dump_traceback_later(
        start_timeout_seconds + _START_SECONDS, exit=True
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(
            communication_options=options
        )
    finally:
        faulthandler.cancel_dump_traceback_later()


def prepare_devices() -> None:
    """Says how memory is taken and graphs are rewritten; before all else."""
    # It fuses ops: no step got faster by it, the first one waits for it, and at
    # a leaky rectifier's gradient it fails with an error on the screen.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def describe(strategy: tf.distribute.Strategy) -> str:
    """One line: what was found and over what the run is spread."""
    kinds = [device.device_type for device in tf.config.list_logical_devices()]
    found = ", ".join(
        f"{kinds.count(kind)} {kind}"
        for kind in ("GPU", "CPU", "TPU")
        if kind in kinds
    )
    growth = " (memory grows as needed)" if "GPU" in kinds else ""
    here = workers.this_worker()
    num_replicas = strategy.num_replicas_in_sync
    spread = f"{num_replicas} replica" + "s" * (num_replicas > 1)
    if len(here.addresses) > 1:
        spread += f" on {len(here.addresses)} workers, this is {here.index}"
    return f"Devices: {found}{growth}. Training on {spread}."


def check_workers(strategy: tf.distribute.Strategy) -> None:
    """Raises ConfigurationError if workers would not train together."""
    num_workers = len(workers.this_worker().addresses)
    if num_workers > 1 and not isinstance(
        strategy, tf.distribute.MultiWorkerMirroredStrategy
    ):
        raise ConfigurationError(
            f"`TF_CONFIG` names {num_workers} workers, and only "
            "`strategies.multi_worker` lets them train together. Received: "
            f"{type(strategy).__name__}. Bind `experiment.strategy = "
            "@strategies.multi_worker()`."
        )


def check_batch_size(
    batch_size: int,
    strategy: tf.distribute.Strategy,
    num_micro_batches: int = 1,
) -> None:
    """Raises ConfigurationError unless every replica gets the same share."""
    replicas = strategy.num_replicas_in_sync
    shares = replicas * num_micro_batches
    check_counts("train.", batch_size=batch_size)
    if batch_size % shares:
        below = batch_size // shares * shares
        near = [below, below + shares] if below else [shares]
        micro = f" x {num_micro_batches} micro-batches"
        raise ConfigurationError(
            f"`train.batch_size` must divide by the {replicas} replicas"
            f"{micro if num_micro_batches > 1 else ''}. "
            f"Received: batch_size={batch_size}. Nearest: "
            f"{' or '.join(map(str, near))}."
        )


def _split_cpu(num_cpus: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * num_cpus
    if tf.config.get_logical_device_configuration(cpu) == logical:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, logical)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            "`strategies.mirrored.num_cpus` must be at least 1 and come before "
            f"TensorFlow starts. Received: num_cpus={num_cpus}: {error}"
        ) from error
