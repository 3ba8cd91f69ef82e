"""What the engine is asked for, for each thing that an app may say."""

from pathlib import Path
from typing import Any

import pytest

from milepost.local.runtimes.docker.container import container
from milepost.local.runtimes.docker.parameters import size
from milepost.local.runtimes.program import NotRunnable
from milepost.local.scheduler.effects import LaunchTask
from support.local_world import definition

SANDBOX = Path("/var/tasks/web.1")


def body(*, ports: tuple[int, ...] = (31_000,), docker: Any = None, container_: Any = None, **app: Any) -> Any:
    """The engine's answer to `app` with these members, inside `docker` and inside `container`."""
    whole = {"type": "DOCKER", "docker": {"image": "web:1", **(docker or {})}, **(container_ or {})}
    task = LaunchTask(
        "web.1", definition({"id": "/web", "container": whole, **app}), "127.0.59.2", ports, {"PORT0": "31000"}
    )
    return container(task, SANDBOX, {"milepost.task": "web.1"})


def parameter(key: str, value: str) -> Any:
    return body(docker={"parameters": [{"key": key, "value": value}]})


def test_a_cmd_goes_to_a_shell_in_place_of_the_images_entrypoint() -> None:
    made = body(cmd="exec serve $PORT0")
    assert (made["Entrypoint"], made["Cmd"]) == (["/bin/sh"], ["-c", "exec serve $PORT0"])


def test_args_go_to_the_images_entrypoint() -> None:
    made = body(args=["--port", "80"])
    assert made["Cmd"] == ["--port", "80"]
    assert "Entrypoint" not in made


def test_an_image_alone_runs_as_it_is_made() -> None:
    made = body()
    assert "Cmd" not in made
    assert "Entrypoint" not in made
    assert made["Image"] == "web:1"


def test_the_environment_is_the_tasks_and_names_the_sandbox_as_mesos_mounts_it() -> None:
    made = body()
    assert made["Env"] == ["MESOS_SANDBOX=/mnt/mesos/sandbox", "MESOS_CONTAINER_NAME=milepost-web.1", "PORT0=31000"]
    assert made["HostConfig"]["Binds"] == [f"{SANDBOX}:/mnt/mesos/sandbox"]


def bridged(*mappings: Any, ports: tuple[int, ...]) -> Any:
    return body(ports=ports, networks=[{"mode": "container/bridge"}], container_={"portMappings": list(mappings)})


def test_a_mapping_binds_the_nodes_address_and_the_assigned_host_port() -> None:
    made = bridged({"containerPort": 80, "hostPort": 0}, ports=(31_005,))
    assert made["HostConfig"]["NetworkMode"] == "bridge"
    assert made["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.59.2", "HostPort": "31005"}]}
    assert made["ExposedPorts"] == {"80/tcp": {}}


def test_a_mapping_of_both_protocols_binds_both() -> None:
    made = bridged({"containerPort": 53, "hostPort": 0, "protocol": "udp,tcp"}, ports=(31_005,))
    assert sorted(made["HostConfig"]["PortBindings"]) == ["53/tcp", "53/udp"]


def test_container_port_zero_is_the_host_ports_number() -> None:
    made = bridged({"containerPort": 0, "hostPort": 0}, ports=(31_005,))
    assert list(made["HostConfig"]["PortBindings"]) == ["31005/tcp"]


def test_a_mapping_without_a_host_port_is_exposed_but_not_bound() -> None:
    made = body(
        ports=(31_006,),
        networks=[{"mode": "container", "name": "backend"}],
        container_={"portMappings": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 0}]},
    )
    assert made["HostConfig"]["NetworkMode"] == "backend"
    assert made["HostConfig"]["PortBindings"] == {"81/tcp": [{"HostIp": "127.0.59.2", "HostPort": "31006"}]}
    assert sorted(made["ExposedPorts"]) == ["80/tcp", "81/tcp"]


def test_the_host_network_maps_nothing() -> None:
    made = body(networks=[{"mode": "host"}])
    assert made["HostConfig"]["NetworkMode"] == "host"
    assert made["HostConfig"]["PortBindings"] == {}


@pytest.mark.parametrize(
    ("asked", "cpus", "mem"), [({"cpus": 0.5, "mem": 64}, 512, 64 << 20), ({"cpus": 0.001, "mem": 20}, 2, 32 << 20)]
)
def test_cpus_are_shares_and_memory_is_a_limit(asked: dict[str, Any], cpus: int, mem: int) -> None:
    made = body(**asked)["HostConfig"]
    assert (made["CpuShares"], made["Memory"]) == (cpus, mem)


@pytest.mark.parametrize(
    ("volume", "bind"),
    [
        ({"containerPath": "/etc/a", "hostPath": "/srv/a", "mode": "RO"}, "/srv/a:/etc/a:ro"),
        ({"containerPath": "logs", "hostPath": "/srv/a", "mode": "RW"}, "/srv/a:/mnt/mesos/sandbox/logs:rw"),
        ({"containerPath": "/data", "hostPath": "out", "mode": "RW"}, "/var/tasks/web.1/out:/data:rw"),
        (
            {"containerPath": "data", "mode": "RW", "persistent": {"size": 1}},
            f"{SANDBOX}/data:/mnt/mesos/sandbox/data:rw",
        ),
        ({"containerPath": "/data", "mode": "RW", "external": {"name": "kept", "provider": "local"}}, "kept:/data:rw"),
        ({"containerPath": "/scratch", "mode": "RW"}, "/scratch"),
    ],
)
def test_each_kind_of_volume_is_mounted(volume: Any, bind: str) -> None:
    assert body(container_={"volumes": [volume]})["HostConfig"]["Binds"][1:] == [bind]


def test_privileged_and_tty_are_passed_on() -> None:
    made = body(docker={"privileged": True}, tty=True)
    assert made["HostConfig"]["Privileged"] is True
    assert made["Tty"] is True


@pytest.mark.parametrize(
    ("key", "value", "field", "made"),
    [
        ("add-host", "db:10.0.0.1", "ExtraHosts", ["db:10.0.0.1"]),
        ("cap-add", "NET_ADMIN", "CapAdd", ["NET_ADMIN"]),
        ("cap-drop", "ALL", "CapDrop", ["ALL"]),
        ("cpus", "1.5", "NanoCpus", 1_500_000_000),
        (
            "device",
            "/dev/fuse",
            "Devices",
            [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}],
        ),
        ("dns", "10.0.0.2", "Dns", ["10.0.0.2"]),
        ("init", "true", "Init", True),
        ("log-driver", "journald", "LogConfig", {"Type": "journald"}),
        ("log-opt", "max-size=1m", "LogConfig", {"Config": {"max-size": "1m"}}),
        ("m", "64m", "Memory", 64 << 20),
        ("net", "backend", "NetworkMode", "backend"),
        ("read-only", "", "ReadonlyRootfs", True),
        ("sysctl", "net.core.somaxconn=1024", "Sysctls", {"net.core.somaxconn": "1024"}),
        ("tmpfs", "/run:size=1m", "Tmpfs", {"/run": "size=1m"}),
        ("ulimit", "nofile=10:20", "Ulimits", [{"Name": "nofile", "Soft": 10, "Hard": 20}]),
        ("volume", "/a:/b:ro", "Binds", [f"{SANDBOX}:/mnt/mesos/sandbox", "/a:/b:ro"]),
    ],
)
def test_a_parameter_is_what_docker_run_makes_of_it(key: str, value: str, field: str, made: object) -> None:
    assert parameter(key, value)["HostConfig"][field] == made


@pytest.mark.parametrize(
    ("key", "value", "field", "made"),
    [
        ("hostname", "web", "Hostname", "web"),
        ("user", "1000", "User", "1000"),
        ("workdir", "/srv", "WorkingDir", "/srv"),
        ("entrypoint", "/start", "Entrypoint", ["/start"]),
        ("label", "team=a", "Labels", {"milepost.task": "web.1", "team": "a"}),
        ("label", "milepost.task=other", "Labels", {"milepost.task": "web.1"}),
        ("expose", "81", "ExposedPorts", {"81/tcp": {}}),
    ],
)
def test_a_parameter_may_concern_the_container_itself(key: str, value: str, field: str, made: object) -> None:
    assert parameter(key, value)[field] == made


def test_an_alias_and_an_address_belong_to_the_network_wherever_that_is_named() -> None:
    keys = (("network-alias", "db"), ("ip", "10.0.0.9"), ("net", "backend"))
    made = body(docker={"parameters": [{"key": key, "value": value} for key, value in keys]})
    endpoint = {"Aliases": ["db"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}}
    assert made["NetworkingConfig"]["EndpointsConfig"] == {"backend": endpoint}


def test_an_env_parameter_comes_last_and_so_wins() -> None:
    assert parameter("env", "PORT0=1")["Env"][-1] == "PORT0=1"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("colour", "red", "'colour' is not supported; these are: add-host"),
        ("restart", "always", "'restart' is refused: the scheduler starts another task"),
        ("p", "80:80", "'p' is refused: ports stand in container.portMappings"),
        ("memory", "much", "'memory' cannot be 'much'"),
        ("init", "maybe", "'init' cannot be 'maybe': true or false is expected"),
        ("label", "=a", "'label' cannot be '=a': NAME=VALUE is expected"),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_named(key: str, value: str, said: str) -> None:
    with pytest.raises(NotRunnable, match=said):
        parameter(key, value)


@pytest.mark.parametrize(
    ("text", "bytes_"), [("64", 64), ("64b", 64), ("1k", 1024), ("2MB", 2 << 20), ("1.5g", 3 << 29), ("-1", -1)]
)
def test_sizes_are_read_as_docker_reads_them(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


def test_a_secret_volume_is_refused() -> None:
    with pytest.raises(NotRunnable, match="volume /key is a secret"):
        body(container_={"volumes": [{"containerPath": "/key", "secret": "key"}]})
