"""The tutorial's steps, shown and checked."""

import json
from functools import partial
from typing import Any

import anyio
import httpx2

from milepost.demo.marathon import App, MarathonApi, addresses, is_deployed
from milepost.demo.places import HOME, NODES, Places, example
from milepost.demo.show import Show
from milepost.demo.stage import Stage, set_up
from milepost.demo.traffic import Tally, keep_asking, title


async def tell(places: Places, show: Show, *, stay: bool) -> bool:
    """Run the whole tutorial; True if every check passed. With `stay` the cluster then stays up until cancelled."""
    show.title("milepost demo: a service that moves keeps its address")
    show.fact("three nodes on this machine, a Marathon-compatible scheduler, a real HAProxy on node 1, milepost")
    async with set_up(places) as stage, MarathonApi(places.marathon_url) as marathon:
        await _show_parts(stage, show)
        await _nginx1(marathon, show)
        app = await _nginx2(marathon, places, show)
        results = [await _fetch(places, show), await _show_block(places, show)]
        results.append(await _redeploy(marathon, places, show, app))
        results.append(await _fetch(places, show))
        if stay:
            _show_addresses(places, stage, show)
            await anyio.sleep_forever()
    return all(results)


async def _show_parts(stage: Stage, show: Show) -> None:
    show.step("the parts run")
    status = await _get_json(f"{stage.places.web_url}/v1/status")
    show.fact(f"nodes            {', '.join(NODES)}")
    show.fact(f"Marathon's API   {stage.places.marathon_url}")
    show.fact(f"milepost's API   {stage.places.web_url}")
    for name, version in status["versions"].items():
        show.fact(f"{name:<16} {version}")


async def _nginx1(marathon: MarathonApi, show: Show) -> None:
    show.step("POST /v2/apps with examples/nginx1.json: an app with a random port")
    await marathon.call("POST", "/v2/apps", _definition("nginx1.json"))
    app = await marathon.until("nginx1", is_deployed, "nginx1 was deployed and healthy")
    for node, port in addresses(app):
        show.fact(f"/nginx1 runs on {node}:{port}")
        show.fact("nobody could know that in advance, and it has no fixed address")
        show.fact("there is no Docker engine here:")
        show.fact(await _catalogue_note(node, port))


async def _catalogue_note(node: str, port: int) -> str:
    """What the task's page says of the program that stands in for its image."""
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        page = (await client.get(f"http://{node}:{port}")).text
    return page.partition("<p>")[2].partition("</p>")[0]


async def _nginx2(marathon: MarathonApi, places: Places, show: Show) -> App:
    show.step("POST /v2/apps with examples/nginx2.json: the same, but exposed")
    definition = _definition("nginx2.json")
    definition["container"]["docker"]["portMappings"][0]["servicePort"] = places.service_port
    await marathon.call("POST", "/v2/apps", definition)
    app = await marathon.until("nginx2", is_deployed, "nginx2 was deployed and healthy")
    _show_tasks(app, show)
    return app


def _show_tasks(app: App, show: Show) -> None:
    for task in app["tasks"]:
        show.fact(f"{app['id']} runs on {task['host']}:{task['ports'][0]}")
        show.fact(f"task {task['id']}")


async def _fetch(places: Places, show: Show) -> bool:
    show.step(f"GET {places.service_url}: its fixed address")
    passed = True
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        for address in (HOME, NODES[0]):
            url = f"http://{address}:{places.service_port}"
            response = await _first_answer(client, url)
            passed &= show.check(f"{url} answers {response.status_code}", passed=response.is_success)
            show.fact(title(response.text))
    return passed


async def _first_answer(client: httpx2.AsyncClient, url: str, deadline_s: float = 5.0) -> httpx2.Response:
    """The first answer with status 200, or the last other one. Milepost learns of a task a moment after Marathon."""
    response = httpx2.Response(503)
    with anyio.move_on_after(deadline_s):
        while True:
            try:
                response = await client.get(url)
            except httpx2.TransportError as error:
                response = httpx2.Response(503, text=f"<title>{error}</title>")
            if response.is_success:
                return response
            await anyio.sleep(0.05)
    return response


def blocks_of(text: str, name: str) -> list[str]:
    """The sections of that name in HAProxy's configuration: `frontend NAME`, `backend NAME from DEFAULTS`."""
    return [block for block in text.split("\n\n") if block.split()[1:2] == [name]]


async def _show_block(places: Places, show: Show) -> bool:
    show.step("what milepost wrote for it in HAProxy's configuration")
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        text = (await client.get(f"{places.web_url}/v1/proxies/haproxy/config")).text
    name = f"nginx2_{places.service_port}"
    blocks = blocks_of(text, name)
    show.block("\n\n".join(block.strip("\n") for block in blocks))
    return show.check(f"frontend and backend {name} are there", passed=len(blocks) == len(("frontend", "backend")))


async def _redeploy(marathon: MarathonApi, places: Places, show: Show, before: App) -> bool:
    show.step("redeploy /nginx2 while clients keep asking")
    tally = Tally()
    async with anyio.create_task_group() as clients:
        for keep_alive in (True, False):
            clients.start_soon(partial(keep_asking, places.service_url, tally, keep_alive=keep_alive))
        await anyio.sleep(0.5)
        await marathon.call("PUT", "/v2/apps/nginx2", {"env": {"REDEPLOYED": "yes"}})
        app = await marathon.until("nginx2", is_deployed, "nginx2 was redeployed and healthy")
        await anyio.sleep(1.0)
        clients.cancel_scope.cancel()
    _show_tasks(app, show)
    moved = show.check("the task is another one", passed=_task_ids(app).isdisjoint(_task_ids(before)))
    failures = ", ".join(f"{count} x {what}" for what, count in tally.failures.items())
    text = f"{tally.made} requests made meanwhile, {tally.failed} failed{': ' if failures else ''}{failures}"
    return show.check(text, passed=tally.failed == 0 and tally.made > 0) and moved


def _show_addresses(places: Places, stage: Stage, show: Show) -> None:
    show.step("yours to try, until Ctrl-C")
    for url, what in (
        (places.service_url, "nginx2, wherever it runs"),
        (f"{places.marathon_url}/v2/apps", "Marathon's API: POST, PUT, DELETE"),
        (f"{places.web_url}/v1/status", "milepost's API"),
        (f"http://{HOME}:{places.stats_port}/haproxy?stats", "HAProxy's statistics"),
    ):
        show.fact(f"{url:<36} {what}")
    show.fact(f"curl -H 'X-Marathon-App-Id: /nginx2' http://{HOME}:{places.appid_port}")
    show.fact(f"./run explain /nginx2 --config {stage.config}")


def _task_ids(app: App) -> set[str]:
    return {task["id"] for task in app["tasks"]}


def _definition(name: str) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(example(name).read_text())
    return definition


async def _get_json(url: str) -> Any:
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        return (await client.get(url)).json()
