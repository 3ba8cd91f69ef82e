"""`--longhelp`: the whole reference as Markdown, made from the parser, the labels and the templates."""

from argparse import ArgumentParser
from collections.abc import Iterator

from milepost.proxies.haproxy.contract.flags import DEFAULT_OPTIONS
from milepost.proxies.haproxy.contract.head import head_text
from milepost.proxies.haproxy.templates.defaults import GLOBAL, OF_APPS, UNUSED
from milepost.proxies.haproxy.templates.sources import HEAD
from milepost.proxies.haproxy.templates.template import Template
from milepost.routing.label import Scope
from milepost.routing.labels import TABLE

_OVERVIEW = """# marathon-lb, as milepost understands it

Reads the apps of a Marathon cluster, writes HAProxy's configuration for those whose labels ask for it, and has HAProxy
take it. Once, or with `--sse` for as long as it runs, on each of Marathon's events and every 300 seconds.

With `--command`, or where this machine has a unit for HAProxy, HAProxy is somebody else's: the file is marathon-lb's,
and the command reloads it. Without either milepost runs HAProxy itself, and changes servers without a reload.
"""

_TEMPLATES = """## Templates

A template is replaced for all apps by an environment variable `HAPROXY_NAME` (`\\n` in it is a line end) or by a file
`templates/HAPROXY_NAME` below the working directory, and for one port of an app, where that is said, by its label
`HAPROXY_{n}_NAME`. The label beats the variable, the variable beats the file. `{placeholders}` are filled in, and
braces that are meant as such are doubled, but not in templates without placeholders, which stand as they are.
"""


def longhelp(parser: ArgumentParser) -> str:
    """The whole page."""
    return "\n".join((_OVERVIEW, *_usage(parser), *_templates(), *_labels()))


def _usage(parser: ArgumentParser) -> Iterator[str]:
    yield "## Usage\n"
    yield f"```\n{parser.format_help()}```\n"


def _templates() -> Iterator[str]:
    yield _TEMPLATES
    head = Template(HEAD, head_text(None, DEFAULT_OPTIONS), is_literal=True)
    for template in (head, *GLOBAL, *OF_APPS):
        yield from _template(template, is_label=template in OF_APPS)
    yield f"Accepted without effect: {', '.join(f'`HAPROXY_{name}`' for name in UNUSED)}.\n"


def _template(template: Template, *, is_label: bool) -> Iterator[str]:
    yield f"### `HAPROXY_{template.name}`\n"
    if is_label:
        yield f"Also as label `HAPROXY_{{n}}_{template.name}`.\n"
    if template.placeholders:
        yield f"Placeholders: {', '.join(f'`{name}`' for name in sorted(template.placeholders))}.\n"
    yield f"```\n{template.text.strip(chr(10))}\n```\n" if template.text.strip() else "Empty unless it is replaced.\n"


def _labels() -> Iterator[str]:
    yield "## Labels\n"
    yield "`{n}` counts an app's service ports from 0.\n"
    for label in TABLE:
        names = [f"`HAPROXY_{{n}}_{label.name}`"] if Scope.PORT in label.scope else []
        names += [f"`HAPROXY_{label.name}`"] if Scope.APP in label.scope else []
        yield f"### {', '.join(names)}\n"
        yield f"{label.help} Without it: {label.default}.\n"
