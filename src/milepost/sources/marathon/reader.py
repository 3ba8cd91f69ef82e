"""Reads apps, all of them or those that hints name, into the picture."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle

import anyio
import anyio.to_thread

from milepost.errors import SourceError
from milepost.model.notice import Notify, SourceFailed, SourceRead
from milepost.model.snapshot import App, Cause
from milepost.sources.backoff import backoff_s
from milepost.sources.marathon.answer import Answer, go_on, read_app_answer, read_apps_answer
from milepost.sources.marathon.client import MarathonClient
from milepost.sources.marathon.hints import Hint, Hints, Wish
from milepost.sources.marathon.outlet import Outlet
from milepost.sources.marathon.picture import Picture, settled
from milepost.sources.marathon.pod_reader import PodReader, joined
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.names import names_in
from milepost.sources.resolver import Resolver

_MANY = 500  # hints that wait at once: from here on one full read is cheaper than all those reads
_DEPLOYING = 50  # apps that are read in one go since no event tells when they are ready
_LONGEST_REST_S = 5.0
_NAMES_S = 10.0  # how long the first snapshot waits for the names of the agents


class Reader:
    """Does the reads. `clock` is the process's monotonic clock, `chance` gives random numbers in 0..1."""

    def __init__(
        self,
        source: str,
        settings: MarathonSettings,
        client: MarathonClient,
        picture: Picture,
        outlet: Outlet,
        resolver: Resolver,
        notify: Notify,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._source, self._settings, self._client = source, settings, client
        self._picture, self._outlet, self._resolver = picture, outlet, resolver
        self._notify, self._clock, self._chance = notify, clock, chance
        self._pods = PodReader(settings, client)
        self._hints, self._wish = Hints(), Wish()
        self._all_read, self._is_back = anyio.Event(), anyio.Event()
        self._names: set[str] = set()
        self._deploying: dict[str, None] = {}  # apps whose tasks are asked whether they are ready, the next one first
        self._deploys = anyio.Event()
        self._names_changed = anyio.Event()

    def look_at(self, app_id: str, cause: Cause) -> None:
        """Have this app read soon."""
        self._hints.add(Hint(app_id, (cause,), cause.heard_at_s))
        if len(self._hints) >= _MANY:
            self._wish.add(f"{_MANY} hints wait")

    def look_at_all(self, reason: str) -> None:
        """Have all apps read soon: in a read that has not begun yet."""
        self._wish.add(reason)

    def try_again(self) -> None:
        """Marathon is back: whoever rests after a failure is to read now."""
        self._is_back.set()
        self._is_back = anyio.Event()

    async def run_full_reads(self) -> None:
        """Read all apps on each wish and at least every `read_interval_s`; begins with the first wish."""
        await self._wish.wait(float("inf"))
        failures = 0
        while True:
            begun_s, endpoint = self._clock(), self._client.endpoint
            reasons = self._wish.take() or ("timer",)
            try:
                await self.read_all(reasons)
            except SourceError as error:
                failures += 1
                for reason in reasons:
                    self._wish.add(reason)
                await self._rest(endpoint, error, failures, self._clock() - begun_s)
                continue
            failures = 0
            await anyio.sleep(min(self._clock() - begun_s, 1.0))  # a storm of wishes takes half the time at most
            await self._wish.wait(self._settings.read_interval_s)

    async def read_all(self, reasons: tuple[str, ...]) -> None:
        """One full read. Raises SourceError; the picture is then as it was."""
        begun_s = self._clock()
        body = await self._client.read_apps()
        before, addresses = self._picture.apps(), self._resolver.addresses
        try:
            answer, names, deploying = await anyio.to_thread.run_sync(
                _decode, body, before, addresses, self._picture.seen_s(begun_s), self._settings.prefix
            )
        except SourceError as error:
            raise self._no_answer(error) from error
        pods = await self._pods.read_all(before, addresses, self._picture.seen_s(begun_s), _aside(before))
        answer = joined(answer, pods)
        self._names = {*names, *names_in(pods.apps.values())}
        if self._names and self._picture.is_empty:
            with anyio.move_on_after(_NAMES_S):
                await self._resolver.refresh(self._names)
            answer = settled(answer, before, self._resolver.addresses, 0.0)
        self._picture.take_all(answer, before, self._resolver.addresses, begun_s)
        self._deploying = {}
        self._deploy(*deploying)
        heard = self._hints.answered(begun_s)
        self._names_changed.set()
        self._all_read.set()
        self._outlet.all_read((*(Cause(reason, "", begun_s) for reason in reasons), *heard))
        self._notify(SourceRead(self._source, "all apps", len(answer.apps), self._clock() - begun_s))

    async def run_hints(self) -> None:
        """Read one hinted app after the other, once all were read. Run several at a time to read faster.

        A read that fails is tried again until it, or a full read that began after the hint, succeeds.
        """
        await self._all_read.wait()
        failures = 0
        while True:
            hint = await self._hints.take()
            endpoint = self._client.endpoint
            try:
                await self.read_one(hint)
            except SourceError as error:
                failures += 1
                self._hints.add(hint)
                await self._rest(endpoint, error, failures)
            else:
                failures = 0
            finally:
                self._hints.done(hint)

    async def read_one(self, hint: Hint) -> None:
        """Read the app of a hint. Raises SourceError; the picture is then as it was."""
        begun_s = self._clock()
        answer = await self._answer_about(hint.app_id)
        self._deploying.pop(hint.app_id, None)
        self._deploy(*_deploying(answer))
        is_new = self._picture.take_one(hint.app_id, answer, self._resolver.addresses, begun_s)
        if is_new or any(cause.is_owners for cause in hint.causes):  # that its owner meant it may be all that is new
            self._outlet.changed(hint.causes)
        new_names = names_in(answer.apps.values()) - self._names
        if new_names:
            self._names |= new_names
            self._names_changed.set()
        self._notify(SourceRead(self._source, hint.app_id, len(answer.apps), self._clock() - begun_s))

    async def _answer_about(self, app_id: str) -> Answer:
        """What Marathon says of an app or a pod; empty where it has neither."""
        known = self._picture.apps().get(app_id)
        is_pod = known is not None and known.definition.is_pod
        body = None if is_pod else await self._client.read_app(app_id.removeprefix(self._settings.prefix))
        try:
            return await self._pods.read_one(app_id, is_known=is_pod) if body is None else read_app_answer(body, app_id)
        except SourceError as error:
            raise self._no_answer(error) from error

    async def run_names(self) -> None:
        """Keep the addresses of named agents up to date."""
        while True:
            wait_s = self._resolver.next_due_s(self._names) - self._clock()
            with anyio.move_on_after(max(0.0, wait_s)):
                await self._names_changed.wait()
            self._names_changed = anyio.Event()
            if await self._resolver.refresh(self._names) and self._picture.locate(self._resolver.addresses):
                self._outlet.changed((Cause("agent names resolved", "", self._clock()),))

    async def run_readiness(self) -> None:
        """Have apps read whose new tasks are asked whether they are ready: no event tells the answer."""
        while True:
            await self._deploys.wait()
            await anyio.sleep(self._settings.readiness_interval_s)
            for app_id in list(self._deploying)[:_DEPLOYING]:
                self._deploying[app_id] = self._deploying.pop(app_id)
                self.look_at(app_id, Cause("is it ready", app_id, self._clock()))
            if not self._deploying:
                self._deploys = anyio.Event()

    def _deploy(self, *app_ids: str) -> None:
        self._deploying |= dict.fromkeys(app_ids)
        if app_ids and self._settings.readiness:
            self._deploys.set()

    def _no_answer(self, error: SourceError) -> SourceError:
        """The error with the endpoint whose answer it is about; another one is asked next."""
        endpoint = self._client.endpoint
        self._client.ask_last(endpoint)
        return SourceError(f"{endpoint}: {error}")

    async def _rest(self, endpoint: str, error: SourceError, failures: int, took_s: float = 0.0) -> None:
        """Until Marathon is back, or for a while: as long as the failed read took, since that may have cost it much."""
        retry_s = backoff_s(failures, self._settings.first_backoff_s, self._settings.max_backoff_s, self._chance())
        retry_s = max(retry_s, min(took_s, _LONGEST_REST_S))
        self._notify(SourceFailed(self._source, endpoint, str(error), retry_s))
        with anyio.move_on_after(retry_s):
            await self._is_back.wait()


def _decode(
    body: bytes, before: Mapping[str, App], addresses: Mapping[str, str], seen_s: float, prefix: str
) -> tuple[Answer, frozenset[str], tuple[str, ...]]:
    """The costly part of a full read, for a thread: the answer compared with what is known, its agents' names, and the
    ids of apps whose new tasks are asked whether they are ready.
    """
    with _gc_paused():
        step_aside = _aside(before)
        answer = read_apps_answer(body, step_aside, prefix)
        names, deploying = names_in(answer.apps.values()), tuple(_deploying(answer))
        return settled(answer, before, addresses, seen_s, step_aside), names, deploying


def _deploying(answer: Answer) -> Iterator[str]:
    return (app_id for app_id, app in answer.apps.items() if app.is_deploying)


def _aside(before: Mapping[str, App]) -> Callable[[], None]:
    """Before the first read nothing else is to be done."""
    return _step_aside() if before else go_on


def _step_aside() -> Callable[[], None]:
    """Called between apps, lets the event loop's thread run every few of them.

    Without it each system call of that thread waits 5 ms for the interpreter's lock; it costs 55 us each time.
    """
    turns = cycle([False] * 7 + [True])
    return lambda: time.sleep(0) if next(turns) else None


@contextmanager
def _gc_paused() -> Iterator[None]:
    """No garbage collection while very many objects are made that all stay: it would look at them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
