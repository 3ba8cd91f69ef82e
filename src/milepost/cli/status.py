"""`milepost status`: how the running milepost and its proxy are."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from milepost.cli.console import age, counted, print_json
from milepost.cli.options import json_option, settings_of, settings_options
from milepost.cli.running import Running
from milepost.cli.terminal import wrapped
from milepost.web.answers import ProxyStatus, SourceStatus, StatusAnswer, holding_text


@click.command()
@json_option
@settings_options("web")
def status(config: Path | None, as_json: bool, **options: Any) -> None:
    """How the running milepost and its proxy are: versions, what was seen and applied, what hinders."""
    answer = Running(settings_of(config, options).web.listen).status()
    if as_json:
        print_json(answer)
    else:
        _print(answer, time.time())


def _print(answer: StatusAnswer, now_s: float) -> None:
    _line("versions", ", ".join(f"{name} {version}" for name, version in answer.versions.items()))
    _line("up for", age(answer.uptime_s))
    seen = answer.snapshot
    if seen is None:
        _line("snapshot", click.style("none has been read yet", fg="yellow"))
    else:
        read = f"of {seen.source}, last read in full {age(seen.age_s)} ago"
        kept = click.style("kept from before the start, nothing was read since: ", fg="yellow") if seen.is_saved else ""
        _line("snapshot", kept + read)
        _print_sources(answer.sources, seen.error)
    if answer.guard:
        _line("guard", click.style(holding_text(answer.guard), fg="yellow"))
    counts = answer.counts
    _line("apps", f"{counts.apps} with {counted(counts.tasks, 'task')}")
    _line("routed", f"{counted(counts.services, 'service')} to {counted(counts.endpoints, 'endpoint')}")
    advice = " (milepost lint)" if counts.errors or counts.warnings else ""
    _line("problems", f"{counted(counts.errors, 'error')}, {counted(counts.warnings, 'warning')}{advice}")
    _print_proxy(answer.proxy, now_s)


def _print_sources(sources: tuple[SourceStatus, ...], error: str) -> None:
    """Each by itself where there are several."""
    if len(sources) < 2:
        _error("source", error)
        return
    for source in sources:
        read = _when_read(source)
        kept = click.style("kept from before the start, ", fg="yellow") if source.is_saved else ""
        failed = click.style(f"; {source.error}", fg="red") if source.error else ""
        _line("source", f"{source.name}: {counted(source.apps, 'app')}, {kept}{read}{failed}")


def _when_read(source: SourceStatus) -> str:
    if source.age_s is not None:
        return f"read in full {age(source.age_s)} ago"
    return "as in the settings" if source.apps else "nothing has been read yet"


def _print_proxy(proxy: ProxyStatus, now_s: float) -> None:
    applied = proxy.last_applied_at_s
    _line("applied", f"last {age(now_s - applied)} ago" if applied else "nothing had to be changed yet")
    kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in proxy.reload_kinds.items())
    _line("changes", f"{proxy.live_changes} live, {counted(proxy.reloads, 'reload')}{kinds and f' ({kinds})'}")
    if proxy.last_reload and proxy.reloads:  # what came first was a start
        last = proxy.last_reload
        _line("last reload", f"{age(now_s - last.at_s)} ago in {last.took_s * 1000:.0f} ms: {'; '.join(last.reasons)}")
    if proxy.waiting:
        _line("waiting", "a reload is to come: " + "; ".join(proxy.waiting))
    if proxy.leftovers:
        _line("leftovers", f"{counted(proxy.leftovers, 'server')} out of traffic, until the last session there ends")
    if proxy.old_workers:
        old = counted(proxy.old_workers, "replaced worker")
        _line("old workers", f"{old} of HAProxy, the oldest up for {age(proxy.oldest_worker_s)}")
    if proxy.draining_since_s is not None:
        since = f"for {age(now_s - proxy.draining_since_s)}; `milepost proxy undrain` puts it back in service"
        _line("draining", click.style(since, fg="yellow"))
    _line("structure", proxy.structure or "none yet")
    _line("digest", f"{proxy.digest} of all, to compare balancers by" if proxy.digest else "none yet")
    _error("proxy", proxy.error)
    _error("file", proxy.file_error)


def _line(name: str, text: str) -> None:
    click.echo(f"{click.style(name.ljust(12), bold=True)} {wrapped(text, sys.stdout, indent=13)}")


def _error(name: str, text: str) -> None:
    if text:
        _line(name, click.style(text, fg="red"))
