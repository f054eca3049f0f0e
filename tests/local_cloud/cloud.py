"""A whole local cloud: plane, engine, moto and HTTP server, put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvloop

from local_cloud.clock import SystemClock
from local_cloud.ecs.plane import TaskPlane
from local_cloud.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from local_cloud.databases.instances import Databases
    from local_cloud.ecs.engine import Engine
    from local_cloud.names.cloud_map import CloudMap

ACCOUNT = "123456789012"
START_TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class CloudOptions:
    """How a cloud is started; the command line's --help says what each means."""

    engine: str = "docker"
    host: str = "127.0.0.1"
    port: int = 4566
    docker_host: str | None = None
    registry: str | None = None
    state_dir: Path | None = None
    seed: int | None = None
    record_calls: bool = False


class LocalCloud:
    """Started by `start()` or as a context manager; `close()` leaves nothing behind.

    Raises StartError, with one sentence, when the port is taken, no engine answers, or the state directory is
    in use.
    """

    def __init__(self, options: CloudOptions) -> None:
        self._options = options
        self._undo = contextlib.ExitStack()
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._server: Any = None
        self.endpoint = ""
        self.plane: TaskPlane
        self.cloud_map: CloudMap
        self.databases: Databases | None = None
        self.engine: Engine

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Serve from a thread; returns when requests are answered."""
        self.build()
        thread = threading.Thread(target=self.serve, name="local-cloud", daemon=True)
        thread.start()
        if not self._ready.wait(START_TIMEOUT):
            self.close()
            raise StartError(f"The server did not answer within {START_TIMEOUT} s; its log says why.")

    def close(self) -> None:
        """Stop serving, and remove every container and rule; safe to call twice."""
        if self._server is not None:
            self._server.should_exit = True
            self._ended.wait(10)
        self._undo.close()

    def put_in_front(self, layer: Callable[[Any], Any]) -> None:
        """Serve what `layer` makes of the ASGI application; between `build()` and `serve()`."""
        self._server.config.app = layer(self._server.config.app)

    def build(self) -> None:
        """Put the parts together and take the port; on an error nothing is left behind."""
        try:
            self._build()
        except BaseException:
            self._undo.close()
            raise

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve in this thread until told to end (`close`, SIGTERM, SIGINT in the main thread)."""

        async def run() -> None:
            serving = asyncio.ensure_future(self._server.serve(sockets=self._sockets))
            while not self._server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            self._ready.set()
            ready()
            await serving

        try:
            loop = uvloop.new_event_loop()
            try:
                loop.run_until_complete(run())
            finally:
                loop.close()
        finally:
            self._ended.set()

    def _build(self) -> None:
        options = self._options
        _load_managed_policies()
        instance = self._take_state_dir()
        self._sockets = [_listen(options.host, options.port)]
        port = self._sockets[0].getsockname()[1]
        self._undo.callback(self._close_sockets)
        self.endpoint = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else options.host}:{port}"  # noqa: S104
        agent = None
        self.cloud_map = _cloud_map()
        if options.engine == "docker":
            agent = self._build_docker(instance, port)
        else:
            from local_cloud.simulated.engine import SimulatedEngine  # noqa: PLC0415

            clock = SystemClock()
            self._undo.callback(clock.close)
            self.engine = SimulatedEngine(clock=clock, seed=options.seed or 0)
        self._undo.callback(self.engine.close)
        self._build_server(agent)

    def _close_sockets(self) -> None:
        for listener in self._sockets:
            listener.close()

    def _build_docker(self, instance: str, port: int) -> Any:
        from local_cloud.containers.agent import TaskAgent  # noqa: PLC0415
        from local_cloud.containers.docker_host import DockerHost  # noqa: PLC0415
        from local_cloud.containers.engine import DockerEngine, DockerSettings  # noqa: PLC0415
        from local_cloud.containers.network import ContainerNetwork  # noqa: PLC0415
        from local_cloud.moto_gaps.backends import MotoTaskServices  # noqa: PLC0415

        host = DockerHost(self._options.docker_host)
        host.remove_all(instance)
        address, name_server = host.gateway, None
        if self._options.host != "0.0.0.0":  # noqa: S104
            if _is_ours(host.gateway):
                self._sockets.append(_listen(host.gateway, port))
            else:
                # The engine's bridge is on another machine, or in a virtual one: it knows the host by name.
                address = "host.docker.internal"
        if address == host.gateway:
            network = ContainerNetwork(host, self.cloud_map, instance, port, self._options.state_dir)
            self._undo.callback(network.close)
            self.databases, name_server = network.databases, network.name_server
        agent = TaskAgent(endpoint_reaches=name_server is not None)
        settings = DockerSettings(
            instance, f"http://{address}:{port}", self._options.registry, name_server=name_server
        )
        self.engine = DockerEngine(host, MotoTaskServices(ACCOUNT), agent, settings)
        return agent

    def _build_server(self, agent: Any) -> None:
        import uvicorn  # noqa: PLC0415
        from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

        from local_cloud.events.courier import EventCourier  # noqa: PLC0415
        from local_cloud.events.delivery import put_event  # noqa: PLC0415
        from local_cloud.moto_gaps import autoscaling, sessions  # noqa: PLC0415
        from local_cloud.moto_gaps import install as moto_gaps  # noqa: PLC0415
        from local_cloud.moto_gaps.backends import MotoCatalog  # noqa: PLC0415
        from local_cloud.queues.sqs_front import SqsFront  # noqa: PLC0415
        from local_cloud.server.application import CloudServer  # noqa: PLC0415
        from local_cloud.server.call_book import CallBook  # noqa: PLC0415
        from local_cloud.server.ecr_front import EcrFront  # noqa: PLC0415
        from local_cloud.server.inventory import take_inventory  # noqa: PLC0415
        from local_cloud.server.local_pages import LocalPages  # noqa: PLC0415
        from local_cloud.server.wsgi_bridge import WsgiBridge  # noqa: PLC0415

        clock = getattr(self.engine, "clock", None) or SystemClock()
        self._undo.callback(clock.close)
        self.plane = TaskPlane(
            self.engine, clock=clock, catalog=MotoCatalog(ACCOUNT), account=ACCOUNT, seed=self._options.seed
        )
        if agent is not None:
            agent.bind(self.plane)
        moto_gaps.install()
        dispatcher = DomainDispatcherApplication(create_backend_app)
        moto = WsgiBridge(dispatcher)
        self._undo.callback(moto.close)
        sqs = SqsFront(moto, ACCOUNT)
        courier = EventCourier(put_event, sqs.notify)
        self._undo.callback(courier.close)
        self.plane.subscribe(courier.send)
        self.plane.services.subscribe(courier.send)
        self.plane.services.use_registrar(self.cloud_map)
        autoscaling.attach(self.plane.services)
        self._undo.callback(autoscaling.detach, self.plane.services)
        sessions.attach(self.plane)
        self._undo.callback(sessions.detach, self.plane)

        def inventory(regions: frozenset[str]) -> dict[str, list[str]]:
            return take_inventory(self.endpoint, regions, frozenset(dispatcher.app_instances))

        book = CallBook() if self._options.record_calls else None
        pages = LocalPages(self.plane, self.engine, inventory, book, self.databases)
        ecr = EcrFront(self._options.registry, ACCOUNT) if self._options.registry else None
        application = CloudServer(self.plane, moto, sqs, pages, agent, ecr)
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                lifespan="off",
                log_level="warning",
                access_log=False,
                # Long polls would otherwise hold up the end for their whole 20 s.
                timeout_graceful_shutdown=1,
                timeout_keep_alive=75,
            )
        )

    def _take_state_dir(self) -> str:
        """The instance's name, kept in the state directory: the next start finds what this one left."""
        directory = self._options.state_dir
        if directory is None:
            return uuid.uuid4().hex[:12]
        directory.mkdir(parents=True, exist_ok=True)
        lock = self._undo.enter_context((directory / "lock").open("w", encoding="utf-8"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(
                f"Another local cloud uses {directory}: stop it, or name another with --state-dir."
            ) from error
        file = directory / "instance"
        if not file.exists():
            file.write_text(uuid.uuid4().hex[:12], encoding="utf-8")
        return file.read_text(encoding="utf-8").strip()


def _cloud_map() -> CloudMap:
    from local_cloud.names.cloud_map import CloudMap  # noqa: PLC0415

    return CloudMap(ACCOUNT)


def _is_ours(address: str) -> bool:
    """Whether this machine has that address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} on {host} is in use: stop what uses it or choose another with --port."
            ) from error
        raise StartError(f"Port {port} on {host} cannot be had ({error.strerror}).") from error
    return listener


def _load_managed_policies() -> None:
    """Have moto's IAM know AWS's managed policies, which Terraform attaches.

    moto reads the variable when it makes an account's IAM; what was made before in this process is dropped.
    """
    from moto.iam.models import iam_backends  # noqa: PLC0415  with moto, a second of imports

    if os.environ.get("MOTO_IAM_LOAD_MANAGED_POLICIES") != "true":
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        iam_backends.clear()
