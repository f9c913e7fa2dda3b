"""An export over HTTP: TensorFlow Serving's REST routes, and a page to look at.

POST /v1/models/<name>[/versions/<version>]:predict
GET  /v1/models/<name>[/versions/<version>][/metadata]
GET  /metadata      where the model comes from, and what it answers
GET  /              samples that move with their latents
"""

import asyncio
import concurrent.futures
import contextlib
import functools
import importlib.resources
import os
import socket
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
import uvicorn
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ganzoo.errors import RunError
from ganzoo.serving import rest_format
from ganzoo.serving.batching import Arrays, MicroBatcher
from ganzoo.serving.exports import Export
from ganzoo.serving.rest_format import RequestError, has_rows

MOST_ROWS = 1024  # Samples that one request may ask for.
MOST_BYTES = 32 * 2**20  # Of one request's body.
_MOST_WAITING = 16 * MOST_ROWS
_LOOPBACK = ("127.0.0.1", "localhost")
# The page needs nothing but this server, and may reach nothing else.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "img-src data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
}


def serve(path: str | os.PathLike, host: str, port: int) -> None:
    """Serves an export until the process is told to stop.

    Args:
        path: Of the export, or of the folder of its versions.
        host: Address to listen at.
        port: 0 takes a free one; the line that is printed says which.

    Raises:
        RunError: If there is no export, or the address is taken.
    """
    export = Export(path)
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise RunError(
            f"{host}:{port} cannot be listened at: {error}. Choose another "
            "--port."
        ) from error
    hosts = list(_LOOPBACK) if host in _LOOPBACK else ["*"]
    server = uvicorn.Server(
        uvicorn.Config(application(export, hosts), log_level="warning")
    )
    name = export.provenance["name"]
    print(
        f"Serving {export.path} at http://{host}:{listener.getsockname()[1]}/ "
        f"as /v1/models/{name}. Ctrl-C ends it.",
        flush=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def application(export: Export, hosts: list[str]) -> Starlette:
    """The web application.

    Args:
        export: What it serves.
        hosts: Names that requests may call this machine by. Where it listens
            for its own user alone, a page from elsewhere must not get at it by
            a name of its own that resolves to here.
    """
    server = _Server(export)
    routes = [Route("/", server.page), Route("/metadata", server.about)]
    for model in (
        "/v1/models/{model}",
        "/v1/models/{model}/versions/{version}",
    ):
        routes += [
            Route(f"{model}:predict", server.predict, methods=["POST"]),
            Route(f"{model}/metadata", server.metadata),
            Route(model, server.status),
        ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        exception_handlers={
            HTTPException: _http_error,
            RequestError: _request_error,
            Exception: _other_error,
        },
    )


class _Server:
    def __init__(self, export: Export):
        self.export = export
        self.name = export.provenance["name"]
        # TensorFlow spreads one call over all cores.
        self.executor = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self.batchers = {
            name: MicroBatcher(
                functools.partial(self.call, name),
                MOST_ROWS,
                self.executor,
            )
            for name, definition in export.signature_defs.items()
            if all(
                has_rows(spec)
                for specs in (definition.inputs, definition.outputs)
                for spec in specs.values()
            )
        }
        self.num_waiting = 0

    def call(self, name: str, arrays: Arrays) -> Arrays:
        """A signature's answer."""
        inputs = {key: tf.constant(value) for key, value in arrays.items()}
        outputs = self.export.signatures[name](**inputs)
        return {key: value.numpy() for key, value in outputs.items()}

    async def predict(self, request: Request) -> Response:
        """Calls a signature."""
        self.check_model(request)
        asked = rest_format.parse(
            await _body(request), self.export.signature_defs
        )
        num_rows = _count(asked)
        if self.num_waiting + num_rows > _MOST_WAITING:
            raise RequestError("Too many requests wait. Try again.", 503)
        name, arrays, by_rows = asked
        self.num_waiting += num_rows
        try:
            if name in self.batchers:
                outputs = await self.batchers[name](arrays, num_rows)
            else:
                outputs = await asyncio.get_running_loop().run_in_executor(
                    self.executor, self.call, name, arrays
                )
        except tf.errors.InvalidArgumentError as error:
            lines = error.message.splitlines()
            # An assertion's own words stand below where it is in the graph.
            said = [line for line in lines if "assertion failed" in line]
            reason = (said or lines)[0]
            raise RequestError(f"The model refuses it: {reason}") from error
        finally:
            self.num_waiting -= num_rows
        return _json(rest_format.response(outputs, by_rows))

    async def status(self, request: Request) -> Response:
        """Whether the model is there: as soon as the server is."""
        self.check_model(request)
        status = {
            "version": str(self.export.version),
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        return _json(orjson.dumps({"model_version_status": [status]}))

    async def metadata(self, request: Request) -> Response:
        """The signatures, as TensorFlow Serving describes them."""
        self.check_model(request)
        definitions = {
            name: json_format.MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in self.export.signature_defs.items()
        }
        spec = {
            "name": self.name,
            "signature_name": "",
            "version": str(self.export.version),
        }
        nested = {"signature_def": {"signature_def": definitions}}
        return _json(orjson.dumps({"model_spec": spec, "metadata": nested}))

    async def about(self, request: Request) -> Response:
        """Where the model comes from."""
        answers = sorted(self.export.signature_defs)
        return _json(
            orjson.dumps(
                {
                    **self.export.provenance,
                    "version": self.export.version,
                    "signatures": answers,
                }
            )
        )

    async def page(self, request: Request) -> Response:
        """The page."""
        pages = importlib.resources.files("ganzoo.serving") / "pages"
        text = (pages / "samples.html").read_text()
        return HTMLResponse(text, headers=_PAGE_HEADERS)

    def check_model(self, request: Request) -> None:
        asked = request.path_params
        version = str(self.export.version)
        if (
            asked["model"] != self.name
            or asked.get("version", version) != version
        ):
            raise RequestError(
                f"Here is version {version} of the model {self.name!r} and no "
                f"other. Received: {request.url.path}.",
                404,
            )


def _count(asked: rest_format.Request) -> int:
    """The samples that a request is about; RequestError if too many."""
    rows = {len(values) for values in asked.arrays.values() if values.ndim}
    if len(rows) > 1:
        raise RequestError(
            "All inputs must have the same number of rows. Received: "
            f"{', '.join(map(str, sorted(rows)))}."
        )
    total = max(rows, default=1)
    for name in ("num", "steps"):
        total *= int(asked.arrays.get(name, np.int64(1)))
    if not 1 <= total <= MOST_ROWS:
        raise RequestError(
            f"A request may ask for 1 to {MOST_ROWS:,} samples. Received: "
            f"{total:,}."
        )
    return total


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise RequestError(
                f"A request's body may have {MOST_BYTES:,} bytes. Received: "
                "more.",
                413,
            )
    return bytes(body)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _error(message: str, status: int) -> Response:
    return _json(orjson.dumps({"error": message}), status)


def _http_error(request: Request, error: Any) -> Response:
    asked = f"{request.method} {request.url.path}"
    return _error(f"{error.detail}: {asked}", error.status_code)


def _request_error(request: Request, error: Any) -> Response:
    return _error(str(error), error.status)


def _other_error(request: Request, error: Exception) -> Response:
    return _error(f"The server failed: {type(error).__name__}.", 500)
