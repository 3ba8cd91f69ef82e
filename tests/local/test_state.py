"""The state's database: what goes in comes out, all or nothing, and a file that cannot be used is left alone."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from milepost.local.scheduler.effects import Save, SaveChange
from milepost.local.scheduler.saved import VERSIONS_KEPT, Saved
from milepost.local.state import database
from milepost.local.state.errors import StateError
from milepost.local.state.store import FILE, Store, opened
from support.local_world import SLEEPER, World, definition


def saves(world: World) -> list[Save]:
    return [each for each in world.effects if isinstance(each, Save)]


def kept(folder: Path, world: World) -> Saved:
    """What the next scheduler finds of all that this world wanted kept."""
    with opened(folder) as store:
        for save in saves(world):
            store.save([save])
    with opened(folder) as store:
        return store.load()


def act(world: World, chance: random.Random) -> None:
    """Create, change or delete one of a few apps, or let something happen."""
    app_id = chance.choice(["/a", "/shop/b", "/shop/deep/c"])
    match chance.randrange(4):
        case 0:
            world.put({**SLEEPER, "id": app_id, "instances": chance.randrange(3)}, force=True)
        case 1:
            world.put({**SLEEPER, "id": app_id, "env": {"N": str(chance.random())}}, force=True)
        case 2 if world.cluster.app(app_id):
            world.delete(app_id)
        case _ if world.pending:
            world.happen(chance.choice(world.pending))
    world.now_s += chance.random()


@pytest.mark.parametrize("seed", range(20))
def test_what_comes_out_is_what_the_scheduler_knew(tmp_path: Path, seed: int) -> None:
    world, chance = World(seed=seed), random.Random(seed)
    for _ in range(60):
        act(world, chance)
    found, cluster = kept(tmp_path, world), world.cluster
    assert {app_id: versions[0] for app_id, versions in found.apps.items()} == cluster.definitions()
    for app_id, versions in found.apps.items():
        assert versions == cluster.records[app_id].versions[: len(versions)]
    assert found.groups == cluster.groups
    trees = {tree.version: tree for tree in found.history}
    assert [trees[tree.version] for tree in cluster.history] == list(cluster.history)
    assert [each.id for each in found.deployments] == list(cluster.deployments)
    for saved, deployment in zip(found.deployments, cluster.deployments.values(), strict=True):
        assert (saved.version, saved.steps, saved.current) == (
            deployment.version,
            deployment.steps,
            deployment.current,
        )
        assert trees[saved.original] == deployment.trees.original


def test_old_trees_go_and_versions_of_apps_stay(tmp_path: Path) -> None:
    world = World()
    for number in range(3):
        world.put({**SLEEPER, "id": "/quiet", "env": {"N": str(number)}}, force=True)
    world.put({**SLEEPER, "id": "/gone"})
    world.delete("/gone")
    for number in range(3 * VERSIONS_KEPT):
        world.put({**SLEEPER, "env": {"N": str(number)}}, force=True)
    world.run()
    found = kept(tmp_path, world)
    assert found.history == world.cluster.history
    assert {app_id: len(versions) for app_id, versions in found.apps.items()} == {"/quiet": 3, "/web": VERSIONS_KEPT}
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM version").fetchone() == (VERSIONS_KEPT,)
        assert connection.execute("SELECT count(*) FROM app").fetchone() == (3 + VERSIONS_KEPT,)


def test_a_long_deployment_knows_what_it_began_from_however_much_changes_meanwhile(tmp_path: Path) -> None:
    world = World()
    world.put(SLEEPER)
    world.run()
    before = world.definition()
    world.put({**SLEEPER, "env": {"NEW": "1"}})
    for number in range(3 * VERSIONS_KEPT):
        world.put({**SLEEPER, "id": "/busy", "env": {"N": str(number)}}, force=True)
    found = kept(tmp_path, world)
    (deployment, _) = found.deployments
    assert {tree.version: tree.apps for tree in found.history}[deployment.original] == {"/web": before}


def test_the_framework_id_is_for_life(tmp_path: Path) -> None:
    with opened(tmp_path) as store, opened(None) as other:
        first = store.framework_id
        assert other.framework_id != first
    with opened(tmp_path) as store:
        assert store.framework_id == first


def change(number: int = 1, app_id: str = "/web") -> SaveChange:
    version = f"2020-01-01T00:00:{number:02d}.000Z"
    return SaveChange(version, {app_id: msgspec.structs.replace(definition(SLEEPER), id=app_id, version=version)}, {})


def test_what_cannot_be_written_is_kept_with_the_next_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.0)
    with opened(tmp_path) as store, closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match=r"state\.sqlite cannot be written\. .* a restart forgets it unless"):
            store.save([change(1)])
        assert store.load().apps == {}
        other.execute("ROLLBACK")
        store.save([change(2, "/other")])
        assert sorted(store.load().apps) == ["/other", "/web"]


def test_of_a_turn_all_is_kept_or_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.save([change(1)])
        with pytest.raises(StateError):
            store.save([change(2, "/other"), change(1)])  # a version is there once only
        assert list(store.load().apps) == ["/web"]


def unusable(path: Path, kind: str) -> None:
    if kind == "a folder":
        path.mkdir()
        return
    if kind == "another program's":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (a)")
        return
    with opened(path.parent) as store:
        store.save([change(number, f"/app-{number}") for number in range(1, 60)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if kind == "newer":
            connection.execute("PRAGMA user_version = 99")
        elif kind == "unreadable":
            connection.execute("UPDATE app SET definition = '{'")
    content = path.read_bytes()
    if kind == "no database":
        path.write_bytes(b"x" * len(content))
    elif kind == "damaged":
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("a folder", "cannot be opened, nothing was started and the file is as it was: unable to open"),
        ("another program's", "cannot be used, .*: it is a database of another program"),
        ("newer", "cannot be used, .*: its layout is number 99, this milepost knows 1"),
        ("no database", "cannot be used, .*: file is not a database"),
        ("damaged", "cannot be used, .*: (it is damaged|database disk image is malformed)"),
        ("unreadable", "cannot be read, .*: Input data was truncated"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_left_as_it_is(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / FILE
    unusable(path, kind)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StateError, match=rf"the state {path} {message}"):
        _load(tmp_path)
    assert (path.read_bytes() if path.is_file() else b"") == before


def _load(folder: Path) -> Saved:
    with opened(folder) as store:
        return store.load()


def files(folder: Path, *apps: Any) -> None:
    """As they were kept before there was a database."""
    (folder / "apps").mkdir()
    for number, app in enumerate(apps):
        (folder / "apps" / f"{number}.json").write_bytes(msgspec.json.encode(app))


def test_apps_kept_as_files_are_taken_over_once(tmp_path: Path) -> None:
    version = "2020-01-01T00:00:00.000Z"
    app = msgspec.structs.replace(definition({**SLEEPER, "id": "/shop/web"}), version=version)
    files(tmp_path, app)
    with opened(tmp_path) as store:
        found = store.load()
        assert found.apps == {"/shop/web": (app,)}
        assert found.groups == {"/shop": ()}
        assert [(tree.version, tree.apps, tree.groups) for tree in found.history] == [
            (version, {"/shop/web": app}, {"/shop": ()})
        ]
        store.save([SaveChange("2021-01-01T00:00:00.000Z", {"/shop/web": None}, {"/shop": None})])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apps.taken-over", FILE]
    assert _load(tmp_path).apps == {}


def test_a_take_over_that_was_cut_short_is_not_done_twice(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.save([change(1)])
    files(tmp_path, change(1, "/old").apps["/old"])
    assert list(_load(tmp_path).apps) == ["/web"]
    assert not (tmp_path / "apps").exists()


def test_a_file_that_cannot_be_taken_over_leaves_the_folder_as_it_is(tmp_path: Path) -> None:
    files(tmp_path, "no app")
    for _ in range(2):
        with pytest.raises(StateError, match=r"0\.json cannot be read, no app was started"):
            Store(tmp_path)
    assert (tmp_path / "apps" / "0.json").exists()
