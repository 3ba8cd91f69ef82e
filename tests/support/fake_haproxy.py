"""A small HAProxy that only knows the runtime commands of a plan, and refuses what the real one refuses."""

from dataclasses import dataclass, field, replace

from milepost.proxies.haproxy.actual import Actual, ActualServer


@dataclass
class FakeHaproxy:
    """Servers by backend, maps by path. `busy` holds "backend/server" with a session that does not end."""

    digest: str
    pools: dict[str, dict[str, ActualServer]] = field(default_factory=dict)
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    version: str = "2.6.12-1"

    @property
    def actual(self) -> Actual:
        servers = {backend: dict(pool) for backend, pool in self.pools.items()}
        return Actual(42, self.version, self.digest, servers, {path: dict(rows) for path, rows in self.maps.items()})

    def serving(self, backend: str) -> set[str]:
        return {server.name for server in self.pools[backend].values() if server.up}

    def run(self, command: str) -> str:
        match command.split():
            case ["add", "server", target, address, "id", number, *options]:
                return self._add(target, address, int(number), " ".join(options))
            case ["enable", "server", target]:
                return self._change(target, maint=False, drain=False, up=True)
            case ["enable", "health", target]:
                return self._change(target)
            case ["set", "server", target, *words]:
                return self._set(target, words)
            case ["shutdown", "sessions", "server", target]:
                self.busy.discard(target)
                return ""
            case ["del", "server", target]:
                return self._delete(target)
            case [_, "map", *_]:
                return self._change_map(command.split())
        raise AssertionError(f"not a runtime command of HAProxy: {command}")

    def _add(self, target: str, address: str, number: int, options: str) -> str:
        backend, _, name = target.partition("/")
        pool = self.pools.get(backend)
        if pool is None:
            return "No such backend."
        if name in pool:
            return "Already exists a server with the same name in backend."
        if any(server.id == number for server in pool.values()):
            return f"'id' : custom id {number} already used at (null):0 ('server x')."
        host, _, port = address.rpartition(":")
        pool[name] = ActualServer(name, host.strip("[]"), int(port), number, maint=True, up=False, options=options)
        return "New server registered."

    def _set(self, target: str, words: list[str]) -> str:
        match words:
            case ["state", "ready"]:
                return self._change(target, maint=False, drain=False, up=True)
            case ["state", "maint"]:
                return self._change(target, maint=True, drain=False, up=False)
            case ["state", "drain"]:
                return self._change(target, maint=False, drain=True, up=False)
            case ["weight", "100%"]:
                return self._change(target, reweighted=False)
            case ["addr", address, "port", port]:
                self._change(target, address=address, port=int(port))
                return "IP changed from 'x' to 'y' by 'stats socket command'"
        raise AssertionError(f"not a runtime command of HAProxy: set server {target} {' '.join(words)}")

    def _change(self, target: str, **fields: bool | str | int) -> str:
        backend, _, name = target.partition("/")
        if name not in self.pools.get(backend, {}):
            return "No such server."
        self.pools[backend][name] = replace(self.pools[backend][name], **fields)  # type: ignore[arg-type]  # by name
        return ""

    def _delete(self, target: str) -> str:
        backend, _, name = target.partition("/")
        server = self.pools.get(backend, {}).get(name)
        if server is None:
            return "No such server."
        if not server.maint:
            return "Only servers in maintenance mode can be deleted."
        if target in self.busy:
            return "Server still has connections attached to it, cannot remove it."
        del self.pools[backend][name]
        return "Server deleted."

    def _change_map(self, words: list[str]) -> str:
        entries = self.maps[words[2]]
        match words:
            case ["add", _, _, key, value]:
                entries[key] = value
            case ["set", _, _, key, value]:
                if key not in entries:
                    return "entry not found."
                entries[key] = value
            case ["del", _, _, key]:
                if key not in entries:
                    return "Key not found."
                del entries[key]
        return ""
