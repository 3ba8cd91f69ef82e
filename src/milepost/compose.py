"""The only place where concrete parts meet: settings become what each part takes, and the parts one program."""

import signal
import time
from collections.abc import Iterator, Set
from functools import partial

import anyio
from anyio.abc import TaskGroup
from starlette.applications import Starlette

from milepost import __version__
from milepost.compose_haproxy import (
    account_of_worker,
    binary_of,
    haproxy_of,
    keychain_of,
    take_over_files,
    tried,
)
from milepost.compose_policy import policy_of, texts_of
from milepost.compose_sources import prefixes_of, read_once, sources_of
from milepost.controller.board import Board
from milepost.controller.garbage import keeping, rare_searches
from milepost.controller.guard import Guard, Limits
from milepost.controller.holders import HolderFile
from milepost.controller.intake import Intake
from milepost.controller.junction import Junction
from milepost.controller.last_good import LastGood
from milepost.controller.lock import only_one
from milepost.controller.loop import Loop, Pace
from milepost.controller.mailbox import Mailbox
from milepost.controller.once import bring
from milepost.controller.signals import heed
from milepost.controller.snapshot_file import SnapshotFile
from milepost.model.notice import (
    CertificateUnchecked,
    DrainEnded,
    DrainSeen,
    MilepostStarted,
    MilepostStopping,
    Notice,
    Notify,
    OldWorkersSeen,
    ProblemFound,
    SourceFailed,
    SourceRead,
)
from milepost.model.snapshot import App, Task
from milepost.observability.haproxy_log import serve_log
from milepost.observability.logs import log_notice
from milepost.observability.metrics import Metrics
from milepost.proxies.haproxy.account import Account, require_way
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.log_sections import STDOUT
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.operator.texts import OperatorTexts
from milepost.proxies.haproxy.proxy import HaproxyProxy
from milepost.proxies.haproxy.reader import read_statistics
from milepost.proxies.haproxy.view import HaproxyView
from milepost.routing.build import Router, build_routing
from milepost.routing.endpoints import why_not
from milepost.settings.values import Settings
from milepost.sources.marathon.overlay import is_of
from milepost.sources.static import NAME as STATIC
from milepost.web.app import Commands, make_app
from milepost.web.server import serve_unix, serve_web
from milepost.web.stats_port import Asks, make_endpoints

_STOP_GRACE_S = 5.0


async def run(
    settings: Settings, *, stop_proxy: bool, heeds_signals: bool = False, texts: OperatorTexts | None = None
) -> None:
    """`milepost run`: keep HAProxy configured until cancelled. With `stop_proxy` HAProxy ends with it.

    Raises SettingsError, ProxyError or MilepostError where it cannot start; what runs is untouched then. With
    `heeds_signals` HUP has everything read anew, and USR1 has the file checked and HAProxy reloaded.
    `texts` are the operator's own, None for those of the settings.
    """
    texts = texts_of(settings) if texts is None else texts
    with only_one(settings.state_dir), rare_searches() as searched:
        account = _make_way(settings)
        binary = binary_of(settings)
        prefixes = prefixes_of(settings)
        board, mailbox = Board(started_at_s=time.time(), sources=tuple(prefixes)), Mailbox()
        metrics = Metrics(board)
        notify = keeping(searched, _notify(board, metrics))
        proxy = await _proxy(settings, binary, texts, notify)
        holders = HolderFile(settings.state_dir / "holders.json")
        loop = Loop(proxy, mailbox, Router(policy_of(settings, texts)), holders, board, notify, pace_of(settings))
        notify(_started(settings, binary))
        for unchecked in _unchecked(settings):
            notify(unchecked)
        last_good = LastGood(SnapshotFile(settings.state_dir), mailbox.put, notify)
        junction = Junction(prefixes, last_good.publish, notify)
        sources = sources_of(settings, _and_tell(junction, notify))
        intake = Intake(sources, guards_of(settings, board), junction, board, notify)
        reconcile, statistics = partial(_reconcile, proxy, mailbox), partial(read_statistics, settings.admin_socket)
        view, asks = HaproxyView(binary), _asks(settings, intake, proxy, mailbox)
        app = make_app(board, view, metrics, Commands(reconcile, intake.approve, statistics))
        try:
            async with anyio.create_task_group() as tasks:
                _serve_haproxy(tasks, settings, account, make_endpoints(board, view, asks))
                if listen := settings.web.listen:
                    tasks.start_soon(serve_web, app, listen.host, listen.port)
                if kept := await last_good.start(proxy.is_running):
                    intake.remember(kept, time.time())
                if heeds_signals:
                    tasks.start_soon(heed, {signal.SIGHUP: asks.fetch, signal.SIGUSR1: asks.reload})
                tasks.start_soon(last_good.run)
                tasks.start_soon(intake.run)
                tasks.start_soon(proxy.run, mailbox.wake)
                tasks.start_soon(loop.run)
        except anyio.get_cancelled_exc_class():
            notify(MilepostStopping(proxy.name, proxy_goes_on=not stop_proxy))
            if stop_proxy:  # only when told to end: a fault of ours must not take the traffic along
                with anyio.CancelScope(shield=True):
                    await proxy.stop(_STOP_GRACE_S)
            raise


async def run_once(settings: Settings, texts: OperatorTexts | None = None) -> None:
    """Make HAProxy what Marathon says now, and leave it running. `texts` as with `run`.

    Raises SettingsError, SourceError, ProxyError or MilepostError; what runs is untouched then.
    """
    texts = texts_of(settings) if texts is None else texts
    with only_one(settings.state_dir), rare_searches():
        _make_way(settings)
        binary = binary_of(settings)
        seen = await read_once(settings)
        holders = HolderFile(settings.state_dir / "holders.json")
        table = build_routing(seen, policy_of(settings, texts), holders.load())
        holders.save(table.holders)
        proxy = await _proxy(settings, binary, texts, log_notice)
        try:
            await bring(proxy, table)
        finally:
            await proxy.close()
        for problem in sorted({*seen.problems, *table.problems, *proxy.refused}):
            log_notice(ProblemFound(problem.app_id, problem.subject, problem.message, solved=False))


async def _proxy(settings: Settings, binary: Binary | None, texts: OperatorTexts, notify: Notify) -> HaproxyProxy:
    """HAProxy, once all that it is to read was looked at. Raises SettingsError and ProxyError."""
    keychain = keychain_of(settings, binary)
    await keychain.look()
    problems = await take_over_files(settings, binary)
    await tried(texts, settings, binary)
    return haproxy_of(settings, binary, notify, keychain, problems, texts)


def _reconcile(proxy: HaproxyProxy, mailbox: Mailbox) -> None:
    proxy.heal()
    mailbox.wake("asked for over the API")


def _asks(settings: Settings, intake: Intake, proxy: HaproxyProxy, mailbox: Mailbox) -> Asks:
    """What marathon-lb did for those who sent it signals."""
    master = MasterSocket(settings.master_socket)

    def reload() -> None:
        proxy.ask_reload("asked for by SIGUSR1")
        mailbox.wake("SIGUSR1")

    async def pids() -> tuple[int, ...]:
        return (await master.processes()).pids

    return Asks(partial(intake.look_again, "SIGHUP"), reload, pids)


def _serve_haproxy(tasks: TaskGroup, settings: Settings, account: Account, endpoints: Starlette) -> None:
    """What HAProxy's worker finds at milepost's sockets."""
    if settings.haproxy.stats_port:
        tasks.start_soon(serve_unix, endpoints, settings.endpoints_socket, account.uid)
    if settings.haproxy.log == STDOUT:
        tasks.start_soon(serve_log, settings.log_socket, account.uid)


def _make_way(settings: Settings) -> Account:
    """The folder of the maps, for HAProxy's worker as much as for us. Raises SettingsError."""
    settings.map_dir.mkdir(exist_ok=True)
    account = account_of_worker(settings)
    require_way(settings.state_dir, account)
    return account


def _started(settings: Settings, binary: Binary | None) -> MilepostStarted:
    return MilepostStarted(
        version=__version__,
        proxy=HaproxyProxy.name,
        proxy_version=binary.version if binary else "",
        config=str(settings.haproxy.config),
        state_dir=str(settings.state_dir),
        api=str(settings.web.listen or ""),
    )


def _unchecked(settings: Settings) -> Iterator[CertificateUnchecked]:
    """The endpoints whose certificate nobody looks at, once for each."""
    for cluster in settings.sources.marathon:
        for url in cluster.urls:
            if url.startswith("https:") and not cluster.tls_verify:
                yield CertificateUnchecked("marathon", url)


def _notify(board: Board, metrics: Metrics) -> Notify:
    """Logs and metrics hear every notice; the board keeps what only they tell."""

    def notify(notice: Notice) -> None:
        match notice:
            case SourceFailed(source=source, error=error):
                board.source_errors[source] = error
            case SourceRead(source=source):
                board.source_errors.pop(source, None)
            case OldWorkersSeen(count=count, oldest_s=oldest_s):
                board.old_workers, board.oldest_worker_s = count, oldest_s
            case DrainSeen(since_s=since_s):
                board.draining_since_s = since_s
            case DrainEnded():
                board.draining_since_s = None
        metrics.notice(notice)
        log_notice(notice)

    return notify


def _and_tell(junction: Junction, notify: Notify) -> Notify:
    """As `notify`; the junction hears which sources fail."""

    def tell(notice: Notice) -> None:
        notify(notice)
        if isinstance(notice, SourceFailed):
            junction.failed(notice.source)

    return tell


def pace_of(settings: Settings) -> Pace:
    haproxy = settings.haproxy
    return Pace(
        settle_quiet_s=haproxy.settle_quiet_s,
        settle_limit_s=haproxy.settle_limit_s,
        reload_interval_s=haproxy.reload_interval_s,
        observe_interval_s=haproxy.observe_interval_s,
    )


def guards_of(settings: Settings, board: Board) -> dict[str, Guard]:
    """What holds back a read that takes too much away, for each source that is read. What a deployment has drained is
    no loss.
    """
    guard, policy = settings.guard, policy_of(settings, OperatorTexts())
    limits = Limits(guard.share, guard.approve_share, guard.approve_from, guard.confirm_after_s)

    def serves(task: Task, app: App) -> bool:
        return not why_not(task, app, policy)

    names = [name for name in prefixes_of(settings) if name != STATIC]
    return {name: Guard(limits, serves, is_of, lambda: _drained(board)) for name in names}


def _drained(board: Board) -> Set[str]:
    return board.table.drained if board.table else frozenset()
