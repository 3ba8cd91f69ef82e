"""The bench's Marathon as a process of its own (`bench.remote`); `bench.scheduler` is its other end.

A command says what is to be done, and to which app where it is about one, by its number:

    {"add": TASK, "app": 3}, {"kill": "task id", "app": 3, "state": "TASK_FAILED"}, {"sicken": "task id", "app": 3},
    {"deploy": 3} (without tasks), {"destroy": 3}: when the event was sent, in seconds of the monotonic clock
    {"churn": 100, "first": 40}: from now on so many changes a second, of the apps from that number on
    {"delay": 2}: from now on each answer takes so many seconds
    {"cut": true}: all event streams end
    {"tell": "changes"}, {"tell": "listed"}: how many changes churn has made; when all apps were sent in full
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.cluster import BenchApp, BenchTask, Shape, app_id
from bench.marathon import BenchMarathon
from bench.remote import obey

Command = dict[str, Any]


class CommandedMarathon(BenchMarathon):
    """Takes a delay for each answer where it is told to. Can replace tasks on its own, at a steady rate."""

    def __init__(self, apps: list[BenchApp]) -> None:
        super().__init__(apps)
        self._delay_s = 0.0
        self._told: dict[str, float] = {"changes": 0, "listed": 0.0}  # changes made by churn; when /v2/apps was sent
        self._churning: asyncio.Task[None] | None = None
        self._commands: dict[str, Callable[[Command], float | None]] = {
            "add": lambda it: self.add(self._app(it["app"]), BenchTask(**it["add"])),
            "kill": lambda it: self.remove(*self._found(it, "kill"), it.get("state", "TASK_KILLING")),
            "sicken": lambda it: self.sicken(*self._found(it, "sicken")),
            "deploy": lambda it: self.deploy(BenchApp(it["deploy"])),
            "destroy": lambda it: self.destroy(self._app(it["destroy"])),
            "churn": self._start_churn,
            "delay": self._set_delay,
            "cut": lambda _: self.cut_streams(),
            "tell": lambda it: self._told[it["tell"]],
        }

    def carry_out(self, command: Command) -> float | None:
        verb = next(verb for verb in self._commands if verb in command)
        return self._commands[verb](command)

    async def reply(self, writer: asyncio.StreamWriter, path: str) -> None:
        whole = self._answer(path)
        await asyncio.sleep(self._delay_s)
        writer.transport.set_write_buffer_limits(0)
        writer.write(whole)
        await writer.drain()
        if path == "/v2/apps":
            self._told["listed"] = time.monotonic()

    def _set_delay(self, command: Command) -> None:
        self._delay_s = command["delay"]

    def _start_churn(self, command: Command) -> None:
        """From now on start and kill tasks, in turns, of the apps from number `first` on; 0 a second ends that."""
        if self._churning:
            self._churning.cancel()
        if command["churn"]:
            churn = self._churn(list(self.apps.values())[command["first"] :], command["churn"])
            self._churning = asyncio.get_running_loop().create_task(churn)

    async def _churn(self, apps: list[BenchApp], per_s: float) -> None:
        begun_s = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(begun_s + number / per_s - time.monotonic())
            app = apps[number // 2 % len(apps)]
            if number % 2:
                self.remove(app, app.tasks[0], "TASK_KILLED")
            else:
                at = (f"127.76.{number // 40_000}.1", 40_000 + number // 2 % 20_000)
                self.add(app, BenchTask(f"churned.{number}", *at, alive=app.tasks[0].alive))
            self._told["changes"] += 1

    def _app(self, number: int) -> BenchApp:
        return self.apps[app_id(number)]

    def _found(self, command: Command, verb: str) -> tuple[BenchApp, BenchTask]:
        app = self._app(command["app"])
        return app, next(task for task in app.tasks if task.id == command[verb])


async def main(host: str, port: int, shape: dict[str, Any]) -> None:
    marathon = CommandedMarathon(Shape(**shape).made())
    await marathon.listen(host, port)
    await obey(marathon.carry_out)
    marathon.vanish()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
