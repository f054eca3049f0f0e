"""What a container of the Docker engine finds, and what is left of it afterwards."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from contract.local_cloud.worlds import DEADLINE, POLL, client
from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.containers.docker_host import LABEL
from local_cloud.containers.redirect import Redirect, Rule

if TYPE_CHECKING:
    from pathlib import Path

    from contract.local_cloud.worlds import ContainerWorld

pytestmark = pytest.mark.engine

ROLE = "arn:aws:iam::123456789012:role/task"
GET = """get() {
  exec 3<>/dev/tcp/$1/$2; printf 'GET %s HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' "$3" >&3
  while read -r line <&3; do [[ $line == '{'* ]] && break; done; echo "$line"
}
"""
URL = (
    "[[ $1 =~ http://([^/:]+):?([0-9]*)(/.*) ]] && "
    'get "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]:-80}" "${BASH_REMATCH[3]}"'
)


def test_command_and_environment_come_from_definition_and_overrides(containers: ContainerWorld) -> None:
    """An override's command replaces the definition's, its variables win, the others stay."""
    family = containers.define(
        {
            **containers.scripted("echo never"),
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        }
    )
    override = {
        "name": "worker",
        "command": ["bash", "-c", "echo $A $B $C"],
        "environment": [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
    }
    request = containers.request(family, overrides={"containerOverrides": [override]})
    arn = containers.ecs.run_task(**request)["tasks"][0]["taskArn"]
    containers.ended(arn)
    assert containers.lines(arn) == ["1 2 3"]


def test_entry_point_goes_before_the_command(containers: ContainerWorld) -> None:
    """The definition's entryPoint replaces the image's."""
    container = {"entryPoint": ["bash", "-c"], "command": ["echo $0 $1", "one", "two"]}
    assert containers.said("", container=container) == ["one two"]


def test_without_a_command_the_images_own_one_runs(containers: ContainerWorld) -> None:
    """Neither command nor entryPoint in the definition: the image decides."""
    logs = containers.scripted("")["logConfiguration"]
    family = containers.define({"logConfiguration": logs})
    arn = containers.ecs.run_task(**containers.request(family))["tasks"][0]["taskArn"]
    containers.ended(arn)
    assert containers.lines(arn) == ["the command of the image"]


def test_user_and_working_directory_are_set(containers: ContainerWorld) -> None:
    """A container runs as the definition's user, in the definition's directory."""
    container = {"user": "50000:0", "workingDirectory": "/opt"}
    assert containers.said("id -u; id -g; echo $PWD", container=container) == ["50000", "0", "/opt"]


def test_a_read_only_root_takes_no_write_but_in_volumes(containers: ContainerWorld) -> None:
    """readonlyRootFilesystem, with a volume that stays writable."""
    said = containers.said(
        "touch /opt/x 2>/dev/null || echo refused; touch /opt/owned/x && echo written",
        container={
            "readonlyRootFilesystem": True,
            "mountPoints": [{"sourceVolume": "work", "containerPath": "/opt/owned"}],
        },
        task={"volumes": [{"name": "work"}]},
    )
    assert said == ["refused", "written"]


def test_a_volume_takes_content_and_owner_of_the_images_declared_path(containers: ContainerWorld) -> None:
    """At a path that the image declares as VOLUME: as on Fargate, its files and its owner are there."""
    said = containers.said(
        "stat -c %u /opt/owned; cat /opt/owned/from-the-image; touch /opt/owned/new && echo written",
        container={
            "user": "50000",
            "mountPoints": [{"sourceVolume": "work", "containerPath": "/opt/owned"}],
        },
        task={"volumes": [{"name": "work"}]},
    )
    assert said == ["50000", "yes", "written"]


def test_a_volume_at_any_other_path_is_empty_and_roots(containers: ContainerWorld) -> None:
    """Without VOLUME in the image: root's, 0755, so that a missing declaration shows here and not on AWS."""
    said = containers.said(
        "stat -c '%u %a' /opt/plain; touch /opt/plain/x 2>/dev/null || echo refused",
        container={
            "user": "50000",
            "mountPoints": [{"sourceVolume": "work", "containerPath": "/opt/plain"}],
        },
        task={"volumes": [{"name": "work"}]},
    )
    assert said == ["0 755", "refused"]


def test_limits_of_cpu_memory_and_files_hold(containers: ContainerWorld) -> None:
    """The task's size (as overridden), and the container's own memory and ulimits, are Docker's limits."""
    override = {"cpu": "512", "memory": "1024"}
    limits = [{"name": "nofile", "softLimit": 1234, "hardLimit": 2345}]
    container = {"memory": 256, "ulimits": limits}
    arn = containers.start("ulimit -n; ulimit -Hn; sleep 60", container=container, overrides=override)
    containers.saw(arn, "2345")
    docker = containers.cloud.engine.host.api  # type: ignore[attr-defined]
    found = docker.inspect_container(containers.describe(arn)["containers"][0]["runtimeId"])["HostConfig"]
    containers.ecs.stop_task(cluster=containers.cluster, task=arn)
    task = containers.ended(arn)
    assert containers.lines(arn) == ["1234", "2345"]
    assert (found["NanoCpus"], found["Memory"]) == (500_000_000, 256 * 1024 * 1024)
    assert (task["cpu"], task["memory"]) == ("512", "1024")


def test_secrets_come_from_secrets_manager_and_ssm(containers: ContainerWorld) -> None:
    """A whole secret, one key of a JSON secret, a SecureString parameter; none of them in DescribeTasks."""
    secrets, ssm = containers.client("secretsmanager"), containers.client("ssm")
    name = f"s{containers.number}"
    whole = secrets.create_secret(Name=name, SecretString='{"user": "me", "password": "xyzzy"}')["ARN"]
    ssm.put_parameter(Name=f"/p/{name}", Value="plugh", Type="SecureString")
    wanted = [
        {"name": "WHOLE", "valueFrom": whole},
        {"name": "KEY", "valueFrom": f"{whole}:password::"},
        {"name": "PARAMETER", "valueFrom": f"arn:aws:ssm:us-east-1:123456789012:parameter/p/{name}"},
    ]
    arn = containers.start('echo "$WHOLE" $KEY $PARAMETER', container={"secrets": wanted})
    task = containers.ended(arn)
    assert containers.lines(arn) == ['{"user": "me", "password": "xyzzy"} xyzzy plugh']
    assert "xyzzy" not in json.dumps(task, default=str)


def test_a_secret_that_does_not_exist_fails_the_start(containers: ContainerWorld) -> None:
    """ResourceInitializationError with the secret's name; the container never runs."""
    missing = "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-abcdef"
    task = containers.ended(
        containers.start("true", container={"secrets": [{"name": "A", "valueFrom": missing}]})
    )
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError")
    assert missing in task["stoppedReason"]
    assert "startedAt" not in task


def test_every_line_is_in_the_log_stream_when_the_task_has_stopped(containers: ContainerWorld) -> None:
    """Ten thousand lines and a last one without its newline: whole, in order, none lost."""
    assert containers.said("seq 1 10000; printf end") == [*map(str, range(1, 10_001)), "end"]


def test_both_outputs_are_logged_and_long_lines_stay_whole(containers: ContainerWorld) -> None:
    """Standard error too; a line of 100,000 characters is one event."""
    said = containers.said("echo problem >&2; printf 'x%.0s' $(seq 1 100000)")
    assert sorted(said, key=len) == ["problem", "x" * 100_000]


def test_the_log_stream_is_there_while_the_container_runs(containers: ContainerWorld) -> None:
    """Lines can be read before the task ends."""
    arn = containers.start("echo early; sleep 60")
    containers.saw(arn, "early")
    assert containers.describe(arn)["lastStatus"] in ("ACTIVATING", "RUNNING")
    containers.ecs.stop_task(cluster=containers.cluster, task=arn)
    containers.ended(arn)


def test_a_missing_log_group_fails_the_start(containers: ContainerWorld) -> None:
    """As on Fargate: ResourceInitializationError, and no container."""
    options = {"awslogs-group": "/none", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "x"}
    logs = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    task = containers.ended(containers.start("true", container=logs))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "The specified log group does not exist" in task["stoppedReason"]


def test_a_command_that_does_not_exist_fails_the_start(containers: ContainerWorld) -> None:
    """CannotStartContainerError, in Docker's words; with an init process it is that one's exit code 127."""
    container = {"command": ["no-such-program"], "linuxParameters": {"initProcessEnabled": False}}
    task = containers.ended(containers.start("", container=container))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "no-such-program" in task["stoppedReason"]


def test_an_essential_containers_end_stops_its_sidecars(containers: ContainerWorld) -> None:
    """The task ends with the essential container; the sidecar gets SIGTERM and has its own exit code."""
    sidecar = {
        "name": "sidecar",
        "essential": False,
        **containers.scripted("trap 'exit 9' TERM; while :; do sleep 0.05; done"),
    }
    family = containers.define(containers.scripted("sleep 0.5; exit 4"), sidecar)
    task = containers.ended(containers.ecs.run_task(**containers.request(family))["tasks"][0]["taskArn"])
    assert {item["name"]: item["exitCode"] for item in task["containers"]} == {"worker": 4, "sidecar": 9}
    assert task["stopCode"] == "EssentialContainerExited"


def test_a_sidecars_end_leaves_the_task_running(containers: ContainerWorld) -> None:
    """A container that is not essential ends; the task goes on, and shows its exit code."""
    sidecar = {"name": "sidecar", "essential": False, **containers.scripted("exit 9")}
    family = containers.define(containers.scripted("sleep 60"), sidecar)
    arn = containers.ecs.run_task(**containers.request(family))["tasks"][0]["taskArn"]
    deadline = time.monotonic() + DEADLINE
    while "exitCode" not in (task := containers.until(arn, "RUNNING"))["containers"][1]:
        assert time.monotonic() < deadline
        time.sleep(POLL)
    assert task["containers"][1]["exitCode"] == 9
    containers.ecs.stop_task(cluster=containers.cluster, task=arn)
    containers.ended(arn)


def test_containers_of_a_task_share_network_and_volumes_and_wait_for_each_other(
    containers: ContainerWorld,
) -> None:
    """The second starts when the first has succeeded, sees its file, and both have one address."""
    mounts = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/opt/plain"}]}
    address = "while read -r a b; do [[ $b == $HOSTNAME ]] && echo $a; done < /etc/hosts"
    first = {
        "name": "first",
        "essential": False,
        **containers.scripted(f"({address}) > /opt/plain/address"),
        **mounts,
    }
    second = {
        **containers.scripted(f"[[ $(cat /opt/plain/address) == $({address}) ]] && exit 5"),
        **mounts,
        "dependsOn": [{"containerName": "first", "condition": "SUCCESS"}],
    }
    family = containers.define(second, first, volumes=[{"name": "shared"}])
    task = containers.ended(containers.ecs.run_task(**containers.request(family))["tasks"][0]["taskArn"])
    assert {item["name"]: item["exitCode"] for item in task["containers"]} == {"first": 0, "worker": 5}


def test_a_container_killed_from_outside_is_told_as_137(containers: ContainerWorld) -> None:
    """Somebody kills the container behind our back: EssentialContainerExited, 137."""
    arn = containers.start("echo up; sleep 60")
    containers.saw(arn, "up")
    docker = containers.cloud.engine.host.api  # type: ignore[attr-defined]
    docker.kill(containers.until(arn, "RUNNING")["containers"][0]["runtimeId"])
    task = containers.ended(arn)
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137


def test_a_container_removed_from_outside_ends_the_task(containers: ContainerWorld) -> None:
    """Nobody can ask for its exit status any more: 137, as after SIGKILL."""
    arn = containers.start("echo up; sleep 60")
    containers.saw(arn, "up")
    docker = containers.cloud.engine.host.api  # type: ignore[attr-defined]
    docker.remove_container(containers.until(arn, "RUNNING")["containers"][0]["runtimeId"], force=True)
    task = containers.ended(arn)
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137


def test_task_metadata_are_served_as_ecs_serves_them(containers: ContainerWorld) -> None:
    """ECS_CONTAINER_METADATA_URI_V4 gives the container, with /task the whole task."""
    uri = "$ECS_CONTAINER_METADATA_URI_V4"
    script = GET + f'call() {{ {URL}; }}; call "{uri}"; call "{uri}/task"'
    arn = containers.start(script)
    containers.ended(arn)
    container, task = map(json.loads, containers.lines(arn))
    assert container["Name"] == "worker"
    assert container["Labels"]["com.amazonaws.ecs.task-arn"] == arn
    assert task["TaskARN"] == arn
    assert task["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert [item["DockerId"] for item in task["Containers"]] == [container["DockerId"]]


def test_a_task_role_has_credentials_where_sdks_look_for_them(containers: ContainerWorld) -> None:
    """At 169.254.170.2 where a packet rule is possible, else in the environment; never both."""
    script = (
        GET + "if [[ $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ]]; "
        'then get 169.254.170.2 80 "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"; '
        'else echo "{\\"AccessKeyId\\": \\"$AWS_ACCESS_KEY_ID\\", \\"Token\\": \\"$AWS_SESSION_TOKEN\\"}"; fi'
    )
    arn = containers.start(script, task={"taskRoleArn": ROLE})
    containers.ended(arn)
    found = json.loads(containers.lines(arn)[0])
    assert found["AccessKeyId"].startswith("ASIA")
    assert arn.rsplit("/", 1)[-1] in found["Token"]


def test_without_a_task_role_there_are_no_credentials(containers: ContainerWorld) -> None:
    """A task that has no role must not work here and fail on AWS."""
    said = containers.said("env")
    assert not [line for line in said if "CREDENTIALS" in line or "AWS_ACCESS_KEY_ID" in line]


def test_the_container_reaches_this_cloud(containers: ContainerWorld) -> None:
    """AWS_ENDPOINT_URL, region and host.docker.internal work from inside."""
    script = GET + (
        f'call() {{ {URL}; }}; call "$AWS_ENDPOINT_URL/_local/health"; echo $AWS_REGION $AWS_DEFAULT_REGION; '
        'get host.docker.internal "${AWS_ENDPOINT_URL##*:}" /_local/health'
    )
    assert containers.said(script) == ['{"status":"ok"}', "us-east-1 us-east-1", '{"status":"ok"}']


def test_an_ecr_image_is_looked_for_in_the_local_registry(containers: ContainerWorld) -> None:
    """The reason names the reference of the definition, not the local one."""
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/none:1"
    task = containers.ended(containers.start("true", container={"image": image}))
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert image in task["stoppedReason"]


def test_nothing_is_left_of_a_task(containers: ContainerWorld) -> None:
    """Neither container nor volume, once it has stopped."""
    arn = containers.start(
        "true",
        container={"mountPoints": [{"sourceVolume": "work", "containerPath": "/opt/plain"}]},
        task={"volumes": [{"name": "work"}]},
    )
    containers.ended(arn)
    docker = containers.cloud.engine.host.api  # type: ignore[attr-defined]
    chosen = {"label": f"{LABEL}.task={arn}"}
    assert docker.containers(all=True, filters=chosen) == []
    assert not docker.volumes(filters=chosen)["Volumes"]


def test_a_cloud_that_ends_takes_its_containers_along(tiny_image: str) -> None:
    """close() while a task runs: its container is gone."""
    with LocalCloud(CloudOptions(port=0)) as cloud:
        container = _start_sleeper(cloud, tiny_image)
        docker = cloud.engine.host.api  # type: ignore[attr-defined]
    assert container not in {item["Id"] for item in docker.containers(all=True)}


def test_what_a_killed_cloud_left_is_removed_at_its_next_start(
    tiny_image: str, tmp_path: Path, containers: ContainerWorld
) -> None:
    """Containers labelled with the state directory's instance go before anything new begins."""
    (tmp_path / "instance").write_text("left-over", encoding="utf-8")
    docker = containers.cloud.engine.host.api  # type: ignore[attr-defined]
    left = docker.create_container(tiny_image, command=["sleep", "60"], labels={LABEL: "left-over"})["Id"]
    docker.start(left)
    with LocalCloud(CloudOptions(port=0, state_dir=tmp_path)):
        assert left not in {item["Id"] for item in docker.containers(all=True)}


def test_the_packet_rule_is_there_once_and_goes_with_the_cloud() -> None:
    """Installing again replaces what a killed cloud of the same instance left; removing leaves nothing."""
    rule = Redirect("lo", [Rule("192.0.2.1", "tcp", 80, 1)], "contract-test")
    if not rule.install():
        pytest.skip("no packet rules here: not root, not Linux, or no iptables")
    assert Redirect("lo", [Rule("192.0.2.1", "tcp", 80, 2)], "contract-test").install()
    found = [line for line in _packet_rules() if "contract-test" in line]
    rule.remove()
    assert len(found) == 1
    assert found[0].endswith("--to-ports 2")
    assert not [line for line in _packet_rules() if "contract-test" in line]


def _packet_rules() -> list[str]:
    command = ["iptables", "-w", "-t", "nat", "-S", "PREROUTING"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _start_sleeper(cloud: LocalCloud, image: str) -> str:
    """Run a task that sleeps; returns its container's id once it runs."""
    ecs = client(cloud.endpoint, "ecs")
    ecs.create_cluster(clusterName="short")
    ecs.register_task_definition(
        family="sleeper",
        containerDefinitions=[{"name": "a", "image": image, "memory": 64, "command": ["sleep", "60"]}],
    )
    arn = ecs.run_task(cluster="short", taskDefinition="sleeper")["tasks"][0]["taskArn"]
    deadline = time.monotonic() + DEADLINE
    while (task := ecs.describe_tasks(cluster="short", tasks=[arn])["tasks"][0])["lastStatus"] != "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(POLL)
    return str(task["containers"][0]["runtimeId"])
