"""The templates filled in: whose text is taken for a service, and what comes of it."""

from collections.abc import Mapping

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.directives import modernised
from milepost.proxies.haproxy.templates.legacy import LEGACY
from milepost.proxies.haproxy.templates.template import TemplateError, filled


class Texts:
    """An owner's template comes before the operator's, that before the usual one (marathon-lb-behaviour.md 10.4).

    `unfit` is why a template of an app cannot be filled in, by app id: the text is of no use before these are left
    out. `warnings` are about what was filled in, but stands there otherwise than its author may think.
    """

    def __init__(self, flags: ContractFlags) -> None:
        self._texts = {name: template.text for name, template in BY_NAME.items()}
        self._texts |= LEGACY if flags.legacy else {}
        self._texts |= flags.templates
        self._of_operator = frozenset(flags.templates)
        self._translates = not flags.legacy
        self.unfit: dict[str, Problem] = {}
        self.warnings: dict[Problem, None] = {}

    def of(self, service: Service, name: str, values: Mapping[str, object]) -> str:
        """The template `name` as it stands for this service. Where it cannot be filled in, its app is `unfit`."""
        own = service.templates.get(name)
        text = self._texts[name] if own is None else own
        subject = f"HAPROXY_{name}" if own is None else f"HAPROXY_{service.index}_{name}"
        try:
            found = text if BY_NAME[name].is_literal else filled(name, text, values)
        except TemplateError as error:
            self.unfit.setdefault(service.app_id, Problem(service.app_id, subject, f"{error}; the app is left out"))
            return ""
        if own is None and name not in self._of_operator:
            return found
        return self._translated(service.app_id, subject, found)

    def shared(self, name: str, values: Mapping[str, object] | None = None) -> str:
        """A template that is no app's. Raises TemplateError."""
        text = self._texts[name]
        found = text if BY_NAME[name].is_literal else filled(name, text, values or {})
        return self._translated("", f"HAPROXY_{name}", found) if name in self._of_operator else found

    def _translated(self, app_id: str, subject: str, text: str) -> str:
        if not self._translates:
            return ended(text)
        modern = modernised(text)
        for advice in modern.advice:
            self.warnings[Problem(app_id, subject, advice, Severity.WARNING)] = None
        return ended(modern.text)


def ended(text: str) -> str:
    """With an end to its last line: what follows may be another app's."""
    return f"{text}\n" if text and not text.endswith("\n") else text
