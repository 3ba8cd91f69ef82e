"""HAProxy as the controller sees it: what should run, what runs, and the ways from one to the other."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from anyio import to_thread

from milepost.errors import CommandRefused, ConfigRefused, Overdue, ProxyError, ProxyGone
from milepost.model.notice import CertificateChanged, DrainEnded, DrainSeen, Notify, ProxyAdopted, SessionsCut
from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable
from milepost.proxies.base import Outcome, Plan
from milepost.proxies.haproxy.actual import NOTHING, Actual
from milepost.proxies.haproxy.certificate_changes import CertificateChange
from milepost.proxies.haproxy.certificate_files import write_certificates
from milepost.proxies.haproxy.changes import AddServer, DeleteServer, LiveChange
from milepost.proxies.haproxy.config import Desired, Structure
from milepost.proxies.haproxy.drain import Drain, drain_of
from milepost.proxies.haproxy.filed import Filed, start_of
from milepost.proxies.haproxy.files import keep, put_back
from milepost.proxies.haproxy.foreign import foreign, without
from milepost.proxies.haproxy.gate import Admitted, Designer, Gate
from milepost.proxies.haproxy.intervention import Intervention, Where
from milepost.proxies.haproxy.judge import Judged, Refusal, after, judge
from milepost.proxies.haproxy.keychain import Keychain
from milepost.proxies.haproxy.lame_duck import DrainFile
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Info, expected
from milepost.proxies.haproxy.old_workers import OldWorkers, Room
from milepost.proxies.haproxy.own import OwnHaproxy
from milepost.proxies.haproxy.plan import Planner
from milepost.proxies.haproxy.ports import Address
from milepost.proxies.haproxy.process import Launch
from milepost.proxies.haproxy.reader import current, read_actual, read_info
from milepost.proxies.haproxy.reload import confirmed, reload
from milepost.proxies.haproxy.runtime import AdminSocket

_RELOAD_LIMIT_S = 60.0
_WATCH_INTERVAL_S = 0.5
_PORT_INTERVAL_S = 2.0
_OUT_OF_DATE = ("Already exists a server", "No such backend", "Proxy is disabled")


@dataclass(frozen=True, slots=True)
class Places:
    """Where HAProxy's things lie. `config` is the very file that HAProxy is started with; `drain_map`: `DrainFile`."""

    config: Path
    admin_socket: Path
    master_socket: Path
    pid_file: Path
    drain_map: Path


class HaproxyProxy:
    """Implements `Proxy[Desired, Actual]`.

    With `is_own` HAProxy is started, watched and started again here, with the variables of `environment` only. Else
    (`mode = "attach"`) its own unit or container does that, and it is known by its sockets; `binary` may be None
    then, and a configuration is checked by the reload alone. `room`: see `OldWorkers`,
    `max_files`: see `Gate`, `tunnel_limit_s`: see `Planner`, `heals`: see `Intervention`. `keyring`: the certificates,
    None where there is no TLS. `problems` are of files of the operator's, found at start.
    """

    name = "haproxy"

    def __init__(
        self,
        designer: Designer,
        places: Places,
        notify: Notify,
        *,
        binary: Path | None,
        environment: Mapping[str, str],
        is_own: bool = True,
        room: Room = Room(),  # noqa: B008  # frozen
        max_files: int | None = None,
        tunnel_limit_s: float = 0.0,
        heals: bool = True,
        keyring: Keychain | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        self._keyring, self._problems = keyring, problems
        self._places, self._notify = places, notify
        self._lock = anyio.Lock()  # one at a time changes the worker that runs
        self._switch_lock = anyio.Lock()  # and one replaces it, which takes long: changes go on until then
        self._intervention = Intervention(self.name, notify, heals=heals)
        self._files = Filed(places.config, self._intervention)
        self._planner, self._tunnel_limit_s = Planner(tunnel_limit_s), tunnel_limit_s
        self._admin = AdminSocket(places.admin_socket)
        self._master = MasterSocket(places.master_socket)
        self._drain_file = DrainFile(places.drain_map)
        self._old_workers = OldWorkers(self._master, room, notify)
        candidate = places.config.with_name(f"{places.config.name}.candidate")
        self._gate = Gate(designer, candidate, binary, environment, is_own=is_own, max_files=max_files)
        self._own: OwnHaproxy | None = None
        if is_own:
            if binary is None:
                raise ValueError("a HAProxy of our own needs a program to start")
            how = Launch(binary, places.config, places.master_socket, places.pid_file, environment)
            self._own = OwnHaproxy(how, self._admin, self._master, self._drain_file, self._switch_lock, notify)
        self._wanted = Desired(Structure((), ""))
        self._known = NOTHING
        self._is_sure = False  # whether nothing but what others do can make what runs differ from what is known
        self._seen_pid = 0  # the worker seen last, 0 where the next one may be of our making
        self._edited_pid = 0  # a worker that runs an edited file, whatever its description says
        self._held: frozenset[Address] | None = frozenset()  # where the running HAProxy listens, None: unknown
        self._adopted_pid = 0
        self._drain: Drain | None = None
        self._wake: Callable[[str], None] = lambda _: None

    @property
    def refused(self) -> tuple[Problem, ...]:
        """See `Proxy.refused`; with what somebody else changed and is left so."""
        of_certificates = self._keyring.problems if self._keyring else ()
        return (*self._gate.withheld.problems, *of_certificates, *self._problems, *self._intervention.left)

    def heal(self) -> None:
        """What somebody else changed is not to be left so: the next look mends it."""
        self._intervention.heal()

    def ask_reload(self, reason: str) -> None:
        """Have the file checked and HAProxy reloaded in the next pass, whether or not anything differs."""
        self._planner.ask_reload(reason)

    def desired(self, table: RoutingTable) -> Desired:
        """See `Proxy.desired`; without what is `refused`."""
        self._wanted = self._gate.desired(table, self._keyring.listed_for(table.services) if self._keyring else None)
        return self._wanted

    def plan(self, desired: Desired, actual: Actual) -> Plan:
        """See `Proxy.plan`. The first plan for a HAProxy that was found running tells what that means."""
        found = self._planner.plan(desired, actual, time.monotonic())
        if self._adopted_pid:
            self._notify(ProxyAdopted(self.name, self._adopted_pid, reload_needed=bool(found.structure)))
            self._adopted_pid = 0
        return found

    async def observe(self) -> Actual:
        """See `Proxy.observe`. Where HAProxy is ours to start, none running is an answer: `NOTHING`."""
        async with self._lock:
            is_first = not self._known.pid
            actual = await self._read_if_any()
            if actual.pid and is_first:
                self._adopted_pid = actual.pid
            return actual

    async def is_running(self) -> bool:
        """Whether a HAProxy answers now, whoever started it."""
        try:
            await read_info(self._admin)
        except ProxyGone:
            return False
        return True

    async def apply(self, plan: Plan, actual: Actual) -> Outcome[Actual]:
        """See `Proxy.apply`. A server that HAProxy does not take at run time is left to a reload.

        Raises ProxyGone where another worker runs than `actual` is of, CommandRefused for any other refusal.
        """
        changes = [change for change in plan.live if isinstance(change, LiveChange)]
        commands = [command for change in changes for command in change.commands]
        async with self._lock:
            _require_same(self._known.pid, actual)
            self._is_sure = False  # until it is known what came of it
            *answers, info_text = await self._admin.ask([*commands, "show info"])
            _require_same((await current(self._admin, info_text)).pid, actual)
            judged = judge(changes, answers)
            self._known, self._is_sure = after(actual, judged.done), not judged.refused
            self._tell(judged)
            self._take_refusals(judged)
            return Outcome(self._known, judged.applied, judged.leftovers)

    async def restructure(self, wanted: Callable[[], Desired]) -> Outcome[Actual]:
        """See `Proxy.restructure`. What must be withheld so that the rest goes live is `refused`.

        A HAProxy that dies during the check is started again from the file beside it, and is reloaded then.
        """
        before = await self._last_seen()
        if self._own is not None and not before.pid:
            if await self._start(await self._prepared(wanted)):
                return Outcome(self._known)
            before = await self._last_seen()
        admitted = await self._gate.admit(await self._prepared(wanted), self._held if before.pid else ())
        admitted = await self._newest(admitted, wanted())
        async with self._switch_lock:
            before = await self._last_seen()
            is_switched = bool(self._planner.plan(admitted.desired, before, time.monotonic()).structure)
            if is_switched:  # not where all that was new is withheld
                async with self._files.lock:
                    await self._switch(admitted, before)
            return Outcome(self._known, reloaded=is_switched and bool(before.pid))

    async def _last_seen(self) -> Actual:
        """What was last seen, or read back where another worker runs or none."""
        async with self._lock:
            return await self._read_if_any(is_fresh=False)

    async def _start(self, desired: Desired) -> bool:
        """Where nothing runs, a start is as good as a check, and saves its time. Tells whether HAProxy took it all."""
        try:
            async with self._switch_lock, self._files.lock:
                if (await self._last_seen()).pid:
                    return False  # it was just started from the file
                await self._switch(await self._gate.unchecked(desired), NOTHING)
        except (ConfigRefused, Overdue):
            return False  # the check tells what of it, and that is withheld
        return True

    async def save(self, desired: Desired) -> None:
        """See `Proxy.save`. A structure that does not run has not passed the check, and is not written."""
        if self._files.has(desired):
            return
        text = await self._files.rendered(desired)
        async with self._files.lock:
            if desired.structure.digest == self._known.digest:
                await to_thread.run_sync(self._files.write, desired, text)
                self._intervention.is_over(Where.FILES)

    async def stop(self, grace_s: float) -> int | None:
        """End a HAProxy of ours; see `OwnHaproxy.stop`."""
        return await self._own.stop(grace_s) if self._own else None

    async def run(self, wake: Callable[[str], None]) -> None:
        """See `Proxy.run`. Leaves HAProxy running, and no connection to it."""
        self._wake = wake
        try:
            async with anyio.create_task_group() as tasks:
                if self._own is not None:
                    tasks.start_soon(self._own.supervise, wake)
                tasks.start_soon(self._watch_worker)
                tasks.start_soon(self._watch_ports)
                tasks.start_soon(self._files.watch, self.name, self._notify, wake)
                tasks.start_soon(self._old_workers.watch)
                if self._keyring is not None:
                    tasks.start_soon(self._keyring.run, wake)
        finally:
            with anyio.CancelScope(shield=True):
                await self.close()

    async def close(self) -> None:
        """Let go of the admin socket; the next question opens it anew."""
        await self._admin.close()

    async def _watch_worker(self) -> None:
        """Notice a reload that was not ours, also to let the old worker go: our connection keeps it alive.

        And notice a HAProxy to attach to that has come; one of our own is started by `OwnHaproxy`.
        """
        told = ""
        while True:
            await anyio.sleep(_WATCH_INTERVAL_S)
            if not (self._lock.locked() or self._switch_lock.locked()) and (self._known.pid or self._own is None):
                news = await self._news()
                if news and news != told:
                    self._wake(news)
                told = news

    async def _news(self) -> str:
        """What is different from what was last seen, "" where nothing is."""
        try:
            info = await read_info(self._admin)
        except ProxyError as error:
            return str(error)
        if (info.pid, info.digest) == (self._known.pid, self._known.digest):
            return ""
        await self._admin.close()
        return f"another HAProxy worker runs, pid {info.pid}"

    async def _watch_ports(self) -> None:
        while True:
            await anyio.sleep(_PORT_INTERVAL_S)
            for one in self._gate.free_ports():
                self._wake(f"port {one.port} is free now")

    async def _read_if_any(self, *, is_fresh: bool = True) -> Actual:
        """What runs, read back; without `is_fresh` what was last seen, where the same worker still runs."""
        try:
            info = await read_info(self._admin)
            if info.pid != self._known.pid:
                await self._meet(info)
            elif not is_fresh:
                return self._known
            self._known = self._believed(await read_actual(self._admin, self._known))
            self._is_sure = True
            self._tell_drain(drain_of(self._known.maps.get(str(self._places.drain_map), {})))
        except ProxyGone as error:
            if self._own is None and not self._known.pid:
                raise ProxyGone(f"{error}; {_how_to_attach(self._places)}") from error
            if self._own is None or await self._own.master_pid() is not None:
                raise
            self._known, self._held = NOTHING, frozenset()
            self._tell_drain(self._drain_file.read())
            self._own.require_wanted()
        return self._known

    async def _meet(self, info: Info) -> None:
        """A worker that we did not see start: the file tells options and addresses, if it is its file."""
        is_ours = self._switch_lock.locked() or (self._own is not None and info.pid == self._own.started_pid)
        if self._seen_pid not in (0, info.pid) and not is_ours:
            self._intervention.tell([f"HAProxy was reloaded or restarted, its worker is pid {info.pid} now"])
        self._seen_pid = info.pid
        start = await to_thread.run_sync(start_of, self._places.config, info.digest)
        self._known, self._held = start.actual, start.listens
        self._edited_pid = info.pid if start.is_edited else 0

    def _believed(self, read: Actual) -> Actual:
        """`read`, but as it was known where somebody else's change is to be left: so no plan mends it."""
        if read.pid == self._edited_pid:
            read = replace(read, digest="")
        known = self._known
        found = foreign(known, read, self._wanted.maps) if known.pid == read.pid and self._is_sure else ()
        is_left = self._intervention.is_to_be_left(Where.RUNNING, found, self._wanted.apps)
        return without(read, known, found) if is_left else read

    def _tell_drain(self, drain: Drain | None) -> None:
        if drain != self._drain:
            self._drain = drain
            self._notify(DrainSeen(self.name, drain.since_s) if drain else DrainEnded(self.name))

    def _tell(self, judged: Judged) -> None:
        for change in judged.done:
            if isinstance(change, CertificateChange):
                self._notify(CertificateChanged(self.name, change.describe(), change.reason))
            if isinstance(change, DeleteServer) and change.ends_sessions:
                server = f"{change.backend}/{change.name}"
                self._notify(SessionsCut(self.name, change.app_id, server, self._tunnel_limit_s))

    def _take_refusals(self, judged: Judged) -> None:
        if not judged.refused:
            return
        for refusal in judged.refused:
            if isinstance(refusal.change, CertificateChange):
                self._planner.refuse_certificate(refusal.change, refusal.words)
                continue
            if not isinstance(refusal.change, AddServer) or refusal.words.startswith(_OUT_OF_DATE):
                raise CommandRefused(_in_words(refusal))
            self._planner.refuse(refusal.change.backend, refusal.change.server, refusal.words)
        self._wake("HAProxy refused a change at run time")

    async def _prepared(self, wanted: Callable[[], Desired]) -> Desired:
        """What is wanted; its certificates lie there to be checked with it, good by themselves and never put back."""
        async with self._files.lock:
            desired = wanted()
            if desired.certificates is not None:
                await to_thread.run_sync(write_certificates, desired.certificates)
        return desired

    async def _switch(self, admitted: Admitted, before: Actual) -> None:
        """Put the file in place and let HAProxy run it; on failure the file is as it was, and what ran runs."""
        kept = [keep(path) for path in (self._places.config, *map(Path, admitted.desired.maps))]
        filed, self._seen_pid = self._files.last, 0
        runs = await to_thread.run_sync(expected, admitted.desired)
        await to_thread.run_sync(self._files.write, admitted.desired, admitted.text)
        try:
            pid = await self._reload_or_start(before)
            async with self._lock:  # from here on changes are for the new worker
                self._known = await confirmed(self._admin, runs, pid, self._places.config)
                self._seen_pid, self._is_sure = pid, False  # it was not read back yet
        except ProxyError:
            await to_thread.run_sync(put_back, kept)
            self._files.last = filed
            raise
        self._held = frozenset(listen for section in admitted.desired.structure.sections for listen in section.listens)
        self._planner.restructured()
        self._intervention.is_over()

    async def _reload_or_start(self, before: Actual) -> int:
        if self._own is None:
            return await reload(self._master, self._places.admin_socket, before.pid, _RELOAD_LIMIT_S)
        if not before.pid:
            return (await self._own.start("first configuration")).pid
        if (master := await self._own.master_pid()) is None:
            raise ProxyGone("HAProxy died before a reload")
        return await reload(self._master, self._places.admin_socket, before.pid, _RELOAD_LIMIT_S, mortal=master)

    async def _newest(self, admitted: Admitted, wanted: Desired) -> Admitted:
        """What passed, with the servers and maps of now: these need no check, HAProxy takes them at run time too."""
        if wanted is admitted.desired or wanted.structure.digest != admitted.desired.structure.digest:
            return admitted
        return Admitted(wanted, await self._files.rendered(wanted))


def _require_same(pid: int, actual: Actual) -> None:
    if pid != actual.pid:
        raise ProxyGone(f"another HAProxy worker runs now, pid {pid}; what it has is read anew")


def _how_to_attach(places: Places) -> str:
    return (
        f"attached, it has to be started elsewhere, with -W -S {places.master_socket} and, in the global section of "
        f"{places.config}: stats socket {places.admin_socket} mode 600 level admin expose-fd listeners"
    )


def _in_words(refusal: Refusal) -> str:
    return f"HAProxy did not {refusal.change.describe()}: {refusal.words}; what it has is read anew"
