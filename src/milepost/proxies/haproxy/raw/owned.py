"""The lines that a service's own templates make, filled with its values."""

from collections.abc import Iterable, Mapping, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.seats import HEADS
from milepost.proxies.haproxy.raw.words import Line, lines_of
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.directives import modernised
from milepost.proxies.haproxy.templates.template import filled
from milepost.proxies.haproxy.templates.values import service_values
from milepost.routing.naming import service_name


def filled_text(name: str, text: str, values: Mapping[str, str]) -> str:
    """`text`, the template called `name`, in today's words. Raises TemplateError, or Refused for one that has none."""
    modern = modernised(text if BY_NAME[name].is_literal else filled(name, text, values))
    if modern.advice:
        raise Refused(modern.advice[0])
    return modern.text


def own_lines(service: Service, name: str, usual: Iterable[str] = (), **values: str) -> tuple[str, ...]:
    """What the service has in the place of template `name`: its owner's lines, without a header, else the `usual`.

    `values` are for further placeholders.
    """
    text = service.templates.get(name)
    if text is None:
        return tuple(usual)
    lines = lines_of(renamed(service, filled_text(name, text, {**service_values(service), **values})))
    return tuple(line.text for line in _without_header(name, list(lines)))


def renamed(service: Service, text: str) -> str:
    """Where a conflict has taken the usual name of its backend, that name in its text means the one that it has now."""
    usual = service_name(service.app_id, service.port)
    return text if service.name == usual else text.replace(usual, service.name)


def _without_header(name: str, lines: Sequence[Line]) -> Sequence[Line]:
    keyword = HEADS.get(name)
    return lines[1:] if keyword and lines and lines[0].words[0] == keyword else lines
