"""The few calls of Marathon's API that the tutorial makes, as anybody's `curl` would."""

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import httpx2

from milepost.errors import MilepostError

App = Mapping[str, Any]


class MarathonApi:
    """Speaks to one Marathon. Every method raises MilepostError when the answer is not what the tutorial needs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(base_url=url, timeout=10.0, trust_env=False)

    async def __aenter__(self) -> "MarathonApi":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer. Other statuses than 2xx are errors and are quoted."""
        try:
            response = await self._client.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise MilepostError(f"{method} {self._url}{path} failed: {error}") from error
        if not response.is_success:
            raise MilepostError(f"{method} {self._url}{path} answered {response.status_code}: {response.text[:300]}")
        return response.json() if response.content else None

    async def app(self, app_id: str) -> App:
        answer: App = (await self.call("GET", f"/v2/apps/{app_id}"))["app"]
        return answer

    async def until(self, app_id: str, is_so: Callable[[App], bool], what: str, deadline_s: float = 30.0) -> App:
        """The app once `is_so` holds; MilepostError says `what` was waited for in vain."""
        app: App = {}
        with anyio.move_on_after(deadline_s):
            while True:
                app = await self.app(app_id)
                if is_so(app):
                    return app
                await anyio.sleep(0.05)
        failure = app.get("lastTaskFailure", {}).get("message", "")
        raise MilepostError(
            f"waited {deadline_s:.0f} s in vain until {what}" + (f"; last failure: {failure}" if failure else "")
        )


def is_deployed(app: App) -> bool:
    """No deployment under way and every wanted task healthy."""
    return not app["deployments"] and app["tasksHealthy"] == app["instances"] > 0


def addresses(app: App) -> list[tuple[str, int]]:
    """(node, port) of each running task."""
    return [(task["host"], task["ports"][0]) for task in app["tasks"] if task["state"] == "TASK_RUNNING"]
