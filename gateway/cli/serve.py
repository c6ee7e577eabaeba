"""``gateway serve``: the daemon."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from gateway.cli.context import config_path, settings_of

if TYPE_CHECKING:
    from gateway.settings import Settings


def serve(context: typer.Context) -> None:
    """Take mail and work on it until SIGTERM or Ctrl-C; what is under way is finished first."""
    from gateway import log

    settings = settings_of(context)
    log.set_up(settings.gateway.log_level, settings.gateway.log_format)
    log.config_loaded(str(config_path(context)), [m.name for m in settings.mailbox], len(settings.agent))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    from gateway import app

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await app.serve(settings, ready=lambda _: None, stop=stop)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is installed: the same for less CPU time."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
