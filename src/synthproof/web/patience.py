"""Connections on which nobody finishes a request's head are let go: a few sockets must not keep everybody else out."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """HTTP over a connection that is closed when a request's head takes too long; bodies are bounded in `bounds`.

    The server ends idle connections after an answer by itself, but not one that never asks, or that asks one letter a
    minute.
    """

    HEAD_SECONDS: ClassVar[float] = 20.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is whole stops the clock, one that has begun starts it once."""
        super().data_received(data)
        if self._asked():
            self._stop()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _asked(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.HEAD_SECONDS, self._let_go)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _let_go(self) -> None:
        self._late = None
        if not self._asked() and not self.transport.is_closing():
            self.transport.close()
