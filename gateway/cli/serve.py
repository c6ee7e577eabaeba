"""``gateway serve``: the daemon."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.context import config_path, settings_of
from gateway.model import NodeRole

if TYPE_CHECKING:
    from gateway.settings import Settings


_ENDS = (signal.SIGTERM, signal.SIGINT)
"""The first one asks, and a second one ends it at once: nothing is lost by that, but a mail may go twice."""


def serve(
    context: typer.Context,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="ROLE,...",
            help="What this node does, of intake, mailbox, worker, delivery and clock; all of them when left out.",
        ),
    ] = None,
) -> None:
    """Take mail and work on it until SIGTERM or Ctrl-C; what is under way gets half a minute to finish.

    A second one ends it at once; what was not finished is taken up at the next start.
    """
    from gateway import log, memory

    memory.one_heap()
    roles = _roles(role or [])
    settings = settings_of(context)
    log.set_up(settings.gateway.log_level, settings.gateway.log_format)
    log.config_loaded(str(config_path(context)), [m.name for m in settings.mailbox], len(settings.agent))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_until_told(settings, roles))


def _roles(wanted: Iterable[str]) -> Collection[NodeRole]:
    names = [name.strip() for names in wanted for name in names.split(",")]
    unknown = [name for name in names if name not in set(NodeRole)]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no role; there are {', '.join(NodeRole)}")
    return {NodeRole(name) for name in names} or tuple(NodeRole)


async def _until_told(settings: Settings, roles: Collection[NodeRole]) -> None:
    from gateway import app, memory

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        for number in _ENDS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _ENDS:
        loop.add_signal_handler(number, told)
    await app.serve(settings, ready=lambda _: memory.settle(), stop=stop, roles=roles)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is installed: the same for less CPU time."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
