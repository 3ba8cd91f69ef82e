"""What becomes of the pieces of a proxy's configuration that owners write themselves (template labels).

Only the proxy can tell what such a text does, so it is asked; what the operator wants decides how much it lets through.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from milepost.model.problem import Problem
from milepost.model.routing import Service
from milepost.routing.marathon_lb import GUARDING_TEMPLATES


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The service with the texts that it may have, None where it must not be served without one that it may not."""

    service: Service | None
    problems: tuple[Problem, ...] = ()


TextReview: TypeAlias = Callable[[Service], Reviewed]
"""Judges the own texts of a service as its owner wrote them. Pure."""


def no_texts(service: Service) -> Reviewed:
    """Owners may write none."""
    reason = "no own text is allowed on this balancer (setting policy.raw)"
    return without_texts(service, dict.fromkeys(service.templates, reason))


def without_texts(service: Service, reasons: dict[str, str]) -> Reviewed:
    """The service without the texts of these names. Where one of them may close something to somebody, what it guards
    would be open without it: then the service is left out.
    """
    guards = GUARDING_TEMPLATES & reasons.keys()
    consequence = "the port is left out" if guards else "the usual text is used"
    problems = tuple(
        Problem(service.app_id, f"HAPROXY_{service.index}_{name}", f"{reason}; {consequence}")
        for name, reason in reasons.items()
    )
    if guards:
        return Reviewed(None, problems)
    kept = {name: text for name, text in service.templates.items() if name not in reasons}
    return Reviewed(replace(service, templates=kept) if problems else service, problems)
