"""How many are concerned: one or a few, a large part, everybody."""

from __future__ import annotations

from enum import IntEnum

from gateway.triage.report import Report

MANY_PLACES = 2
"""More sites than this are a large part of any organisation."""


class Scope(IntEnum):
    FEW = 1
    PART = 2
    ALL = 3


def scope(report: Report, component: str, small_group: int) -> Scope:
    """Numbers count most, then what is said of one person, then words such as everybody and department.

    ``component`` is the core component that fails, or empty: a dead API concerns every process behind it.
    """
    people, places = report.people, report.places
    if max(people, default=0) > small_group or max(places, default=0) > MANY_PLACES:
        return Scope.PART if report.contrast or report.partial else Scope.ALL
    everyone = report.has("everyone", "nobody")
    if people or (report.has("one", "few") and not everyone):
        return Scope.FEW
    if report.complains_of("self") and not everyone:
        return Scope.FEW
    if (everyone or report.complains_of("all")) and not report.contrast:
        return Scope.PART if report.partial else Scope.ALL
    return _by_words(report, component)


def _by_words(report: Report, component: str) -> Scope:
    contrast, stopped = report.contrast, report.has("stop")
    if report.has("group") and (contrast or stopped):
        return Scope.PART
    if component == "api" or (stopped and not contrast):
        return Scope.PART if report.partial else Scope.ALL
    return Scope.PART if report.has("organisation") else Scope.FEW
