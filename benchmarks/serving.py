"""How fast the HTTP server is, beside the SavedModel that it serves.

    python benchmarks/serving.py --export_dir=runs/mnist_mlp/export

Concurrent clients ask a server of its own process for `--batch_size` rows at a
time over connections that stay open. Direct calls and the server take turns, so
that whatever else the machine does hits both. Prints one line for each
signature: images per second of both, their ratio, and the latency of requests.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from ganzoo.serving.exports import Export


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--export_dir", required=True)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5, help="of one turn")
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args()
    export = Export(chosen.export_dir)
    shape = export.signatures["latents"].structured_outputs["latents"].shape
    latents = np.random.default_rng(0).normal(
        size=[chosen.batch_size, shape[1]]
    )
    server, port = start(chosen.export_dir)
    try:
        for name in ("png", "images", "serving_default"):
            if name in export.signatures:
                measure(name, export, latents, port, chosen)
    finally:
        server.terminate()
        server.wait()


def start(export_dir: str) -> tuple[subprocess.Popen, int]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-m", "ganzoo.run", "--mode=serve", "--port=0"]
    server = subprocess.Popen(
        [*command, f"--export_dir={export_dir}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    if server.stdout is None:
        raise RuntimeError("The server has no output to read its port from.")
    for line in server.stdout:
        if line.startswith("Serving"):
            return server, int(line.split("127.0.0.1:")[1].split("/")[0])
    raise RuntimeError(f"The server ended with status {server.wait()}.")


def measure(
    name: str, export: Export, latents: np.ndarray, port: int, chosen: Any
) -> None:
    """Prints the line of one signature."""
    call = export.signatures[name]
    tensor = tf.constant(latents, tf.float32)
    body = json.dumps(
        {"signature_name": name, "instances": latents.round(6).tolist()}
    )
    path = f"/v1/models/{export.provenance['name']}:predict"
    direct, served, latencies = [], [], []
    for turn in range(chosen.turns + 1):
        rate = direct_rate(call, tensor, chosen.seconds)
        requests, seconds = ask(port, path, body, chosen)
        if turn:  # The first warms both up.
            direct.append(rate)
            served.append(len(requests) * len(latents) / seconds)
            latencies += requests
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    slow, fast = statistics.median(served), statistics.median(direct)
    print(
        f"{name:16} direct {fast:8,.0f} images/s, served {slow:8,.0f} "
        f"({slow / fast:4.0%}); {len(latencies)} requests of {len(latents)} "
        f"by {chosen.clients} clients, p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        flush=True,
    )


def direct_rate(call: Any, tensor: tf.Tensor, seconds: float) -> float:
    """Images per second of calls one after the other."""
    start, num = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        for value in call(latents=tensor).values():
            value.numpy()
        num += 1
    return num * len(tensor) / (time.monotonic() - start)


def ask(
    port: int, path: str, body: str, chosen: Any
) -> tuple[list[float], float]:
    """Seconds of each request, and of all clients together."""
    latencies: list[float] = []
    failures: list[str] = []
    end = time.monotonic() + chosen.seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.monotonic() < end and not failures:
            start = time.monotonic()
            connection.request("POST", path, body)
            answer = connection.getresponse()
            text = answer.read()
            latencies.append(time.monotonic() - start)
            if answer.status != 200:
                failures.append(text.decode())
        connection.close()

    start = time.monotonic()
    threads = [threading.Thread(target=client) for _ in range(chosen.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"The server answered: {failures[0]}")
    return latencies, time.monotonic() - start


if __name__ == "__main__":
    main()
