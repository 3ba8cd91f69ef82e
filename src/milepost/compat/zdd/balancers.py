"""What the balancers say of a backend: a milepost over its API, any other HAProxy by its statistics page."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx2
import msgspec

from milepost.compat.zdd.colours import Pair
from milepost.compat.zdd.errors import BalancerSilent
from milepost.compat.zdd.swap import Balancer, Listener, Seen
from milepost.model.routing import Endpoint
from milepost.proxies.haproxy.names import server_name
from milepost.proxies.haproxy.statistics import parse_statistics
from milepost.web.answers import ServersAnswer

STATISTICS_PORT = 9090
_MOST_PROCESSES = 2  # a master and its worker
_TIMEOUT_S = 10.0

Addresses = Callable[[str], Sequence[str]]
"""A host name to all its IPv4 addresses. Raises OSError."""


def addresses_of(host: str) -> list[str]:
    """By the system's resolver, each once."""
    found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))


@dataclass(frozen=True, slots=True)
class BalancerApi:
    """Implements `Balancers` of `deployment.py`. Each address of the host in `url` is one balancer.

    Without a port it is that of the statistics page.
    """

    url: str
    addresses: Addresses = addresses_of

    def look(self, pair: Pair) -> Seen:
        """See `Balancers.look`: one that does not answer makes all unknown."""
        url = httpx2.URL(self.url)
        if url.port is None:
            url = url.copy_with(port=STATISTICS_PORT)
        try:
            found = self.addresses(url.host)
            with httpx2.Client(timeout=_TIMEOUT_S, trust_env=False, auth=_auth(url)) as http:
                return [_One(http, url, address).look(pair) for address in found]
        except (OSError, httpx2.HTTPError, ValueError) as error:
            raise BalancerSilent(f"the balancers at {_shown(url)} do not tell: {error}") from error


@dataclass(frozen=True, slots=True)
class _One:
    """One balancer, at one address of its host."""

    http: httpx2.Client
    url: httpx2.URL
    address: str

    def look(self, pair: Pair) -> Balancer:
        """Raises httpx2.HTTPError or ValueError."""
        answer = self._get(f"/v1/services/{pair.new.backend}/servers")
        if answer.headers.get("content-type") != "application/json":
            return self._of_statistics(pair)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return Balancer(())  # it has no such service yet
        return _of_milepost(msgspec.json.decode(answer.raise_for_status().content, type=ServersAnswer))

    def _of_statistics(self, pair: Pair) -> Balancer:
        answer = self._get("/haproxy?stats;csv").raise_for_status()
        tasks = _task_ids(pair)
        listeners = tuple(
            Listener(tasks.get(one.name, ""), one.status, one.sessions, one.queued)
            for one in parse_statistics(answer.text)
            if one.backend == pair.new.backend
        )
        return Balancer(listeners, self._is_reloading())

    def _is_reloading(self) -> bool:
        """Whatever goes wrong counts as a reload: the processes are unknown then."""
        try:
            pids = self._get("/_haproxy_getpids").raise_for_status().text.split()
        except httpx2.HTTPError:
            return True
        return len(pids) > _MOST_PROCESSES or not all(pid.isdigit() for pid in pids)

    def _get(self, path: str) -> httpx2.Response:
        target = self.url.copy_with(host=self.address, raw_path=path.encode(), username=None, password=None)
        headers = {"Host": self.url.netloc.decode("ascii").rpartition("@")[2]}
        return self.http.get(target, headers=headers, extensions={"sni_hostname": self.url.host})


def _of_milepost(answer: ServersAnswer) -> Balancer:
    listeners = (Listener(one.task_id, one.status, one.sessions, one.queued) for one in answer.servers)
    return Balancer(tuple(listeners), is_reloading=answer.old_workers > 0)


def _task_ids(pair: Pair) -> Mapping[str, str]:
    """By the name of the server that a task is at the balancers: made as they make it (its [fix] in 19.3)."""
    found = {}
    for colour in (pair.old, pair.new):
        position = colour.app.definition.ports[0].task_port if colour.app.definition.ports else 0
        for task in colour.app.tasks:
            if task.address is not None and position < len(task.ports):
                at = Endpoint(task.id, task.host, task.address, task.ports[position])
                found[server_name(at)] = task.id
    return found


def _auth(url: httpx2.URL) -> tuple[str, str] | None:
    return (url.username, url.password) if url.username else None


def _shown(url: httpx2.URL) -> str:
    """Without credentials."""
    return str(url.copy_with(username=None, password=None))
