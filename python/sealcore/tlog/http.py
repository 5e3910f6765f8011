"""What the two servers share: WSGI answers, and the server that runs them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from sealcore.errors import MissingExtra, StorageError

__all__ = ["Application", "Environment", "StartResponse", "answer", "serve"]

Environment: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., object]
Application: TypeAlias = Callable[[Environment, StartResponse], Iterable[bytes]]
TEXT = "text/plain; charset=utf-8"
_BODY_LIMIT = 1 << 18
_SECONDS = 30
_CONNECTIONS = 256


def answer(
    environment: Environment,
    start: StartResponse,
    status: str,
    body: bytes,
    *,
    kind: str = TEXT,
    headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    """One whole answer; the body of HEAD is left out."""
    start(
        status,
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ],
    )
    return [] if environment.get("REQUEST_METHOD") == "HEAD" else [body]


def serve(
    application: Application, *, host: str, port: int, threads: int = 4, ready: Callable[[str], object] | None = None
) -> None:
    """Run a WSGI application until it is interrupted: requests of at most 256 KiB, 256 connections, 30 s idle.

    Args:
        application: The application.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        threads: How many requests are answered at once.
        ready: Called with the URL as soon as connections are accepted.

    Raises:
        MissingExtra: If waitress is not installed.
        StorageError: If the address is taken or not ours.
    """
    try:
        waitress: Any = importlib.import_module("waitress")
    except ImportError as error:
        raise MissingExtra('serving needs waitress: pip install "sealcore[service]"', extra="service") from error
    try:
        server = waitress.create_server(
            application,
            host=host,
            port=port,
            threads=threads,
            connection_limit=_CONNECTIONS,
            channel_timeout=_SECONDS,
            cleanup_interval=_SECONDS // 3,
            max_request_body_size=_BODY_LIMIT,
            max_request_header_size=1 << 14,
            ident="sealcore",
        )
    except OSError as error:
        raise StorageError(
            f"host: cannot listen on {host} port {port}: {error.strerror}; choose another",
            operation="listen",
            path=f"{host}:{port}",
            errno=error.errno,
        ) from None
    if ready is not None:
        ready(f"http://{host}:{server.effective_port}/")
    try:
        server.run()
    finally:
        server.close()
