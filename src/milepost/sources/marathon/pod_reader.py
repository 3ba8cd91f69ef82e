"""Reads pods beside the apps. An old Marathon has none, and whatever goes wrong with them is no matter of the apps."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio
import anyio.to_thread

from milepost.errors import SourceError
from milepost.model.problem import Problem, Severity
from milepost.model.snapshot import App
from milepost.sources.marathon.answer import Answer, go_on
from milepost.sources.marathon.client import MarathonClient
from milepost.sources.marathon.picture import settled
from milepost.sources.marathon.pods import read_pod_answer, read_pods_answer
from milepost.sources.marathon.settings import MarathonSettings


class PodReader:
    """Of one Marathon. Whether an app is a pod is told by its definition, also by one from before the start."""

    def __init__(self, settings: MarathonSettings, client: MarathonClient) -> None:
        self._settings, self._client = settings, client
        self._are_there = settings.pods  # until Marathon says that it has none at all

    async def read_all(
        self, before: Mapping[str, App], addresses: Mapping[str, str], seen_s: float, step_aside: Callable[[], None]
    ) -> Answer:
        """All pods, settled as in `picture.settled`. Where that fails those of `before` stay, with a Problem."""
        if not self._settings.pods:
            return Answer()
        try:
            with anyio.fail_after(self._settings.pods_wait_s):
                body = await self._client.read_pods()
                answer = await anyio.to_thread.run_sync(self._read, body, before, addresses, seen_s, step_aside)
        except (SourceError, TimeoutError) as error:
            words = str(error) or f"no answer in {self._settings.pods_wait_s:g} s"
            problem = Problem("", "pods", f"cannot be read, those known stay as they are: {words}", Severity.WARNING)
            return Answer({app_id: app for app_id, app in before.items() if app.definition.is_pod}, (problem,))
        self._are_there = body is not None
        return answer

    async def read_one(self, app_id: str, *, is_known: bool) -> Answer:
        """The one pod, empty where there is no such pod. Raises SourceError, but only for one that `is_known`."""
        if not (is_known or self._are_there):
            return Answer()
        try:
            body = await self._client.read_pod(app_id.removeprefix(self._settings.prefix))
            return Answer() if body is None else read_pod_answer(body, app_id)
        except SourceError:
            if is_known:
                raise
            return Answer()

    def _read(
        self,
        body: bytes | None,
        before: Mapping[str, App],
        addresses: Mapping[str, str],
        seen_s: float,
        step_aside: Callable[[], None] = go_on,
    ) -> Answer:
        """For a thread. Raises SourceError."""
        known = any(app.definition.is_pod for app in before.values())
        if body is None and known:
            raise SourceError("Marathon has some, but answers 404 now")
        answer = Answer() if body is None else read_pods_answer(body, self._settings.prefix)
        return settled(answer, before, addresses, seen_s, step_aside)


def joined(apps: Answer, pods: Answer) -> Answer:
    """Both as one answer."""
    return replace(apps, apps={**pods.apps, **apps.apps}, unreadable=apps.unreadable + pods.unreadable)
