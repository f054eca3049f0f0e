"""Why the API server does not answer: the sentence names the cause and its remedy, over real sockets."""

from __future__ import annotations

import errno
import sys
from importlib.metadata import version
from types import SimpleNamespace

import httpx
import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import api_errors
from unit.worker.execution_api import ExecutionApi
from unit.worker.private_ca import make_private_ca
from unit.worker.task_run import local_worker, run_task, write_dag

AIRFLOW = version("apache-airflow-core")
ONCE = {"AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "1"}
URL = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An AIRFLOW_HOME with the DAG in it."""
    folder = tmp_path_factory.mktemp("airflow")
    write_dag(folder)
    return folder


@pytest.fixture(scope="module")
def private_ca(tmp_path_factory):
    """A CA that no container knows, and a certificate of it for 127.0.0.1."""
    return make_private_ca(tmp_path_factory.mktemp("tls"))


def last_line(home, api=None, address="127.0.0.1", **environment):
    """Run a task that cannot reach the API server; return the last line that the container wrote."""
    ran = run_task(
        local_worker(home),
        "ok",
        airflow_version=AIRFLOW,
        api=api,
        address=address,
        environment={**ONCE, **environment},
    )
    assert (ran.exit_code, ran.states) == (ExitCode.API_UNREACHABLE, []), ran.output
    return ran.output.splitlines()[-1]


def test_a_private_ca_is_told_as_a_certificate_and_not_as_the_network(home, private_ca):
    """The sentence has OpenSSL's words and the setting that helps, and no word of security groups."""
    line = last_line(home, ExecutionApi(certificate=private_ca.server))
    assert "has a certificate that is not accepted" in line
    assert "AIRFLOW__API__SSL_CERT" in line
    assert "security groups" not in line


@pytest.mark.parametrize(
    "variable",
    [
        "AIRFLOW__API__SSL_CERT",
        pytest.param(
            "SSL_CERT_FILE",
            marks=pytest.mark.skipif(
                tuple(map(int, AIRFLOW.split(".")[:2])) < (3, 3), reason="Airflow asks OpenSSL since 3.3"
            ),
        ),
    ],
)
def test_a_private_ca_that_the_container_is_told_of_is_accepted(home, private_ca, variable):
    """Each of the two documented settings is enough."""
    ran = run_task(
        local_worker(home),
        "ok",
        airflow_version=AIRFLOW,
        api=ExecutionApi(certificate=private_ca.server),
        environment={**ONCE, variable: str(private_ca.ca)},
    )
    assert (ran.exit_code, ran.states) == (ExitCode.SUCCESS, ["success"]), ran.output


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no loopback address")
def test_a_certificate_for_another_address_is_told_as_such(home, private_ca):
    """Its CA is trusted, so the address is what to change."""
    line = last_line(
        home,
        ExecutionApi(certificate=private_ca.server),
        "127.0.0.2",
        AIRFLOW__API__SSL_CERT=str(private_ca.ca),
    )
    assert "use an address that the certificate names" in line


def test_https_to_a_server_that_speaks_http_is_told_as_such(home):
    """Not a certificate: the address begins with the wrong word."""
    line = last_line(home, ExecutionApi(scheme="https"))
    assert "http:// or https://" in line


def test_a_name_that_does_not_resolve_is_told_as_such(home):
    """DNS is where to look; `.invalid` is a name that never exists."""
    line = last_line(home, **{URL: "http://airflow.invalid:8080/execution/"})
    assert "cannot be resolved" in line
    assert URL in line


def test_a_port_on_which_nothing_listens_is_told_as_such(home):
    """The server is down, or its port is another."""
    assert "refused the connection" in last_line(home, **{URL: "http://127.0.0.1:9/execution/"})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectTimeout("timed out"), "security groups, the routes and the subnets"),
        (httpx.ReadTimeout("timed out"), "execution_api_timeout"),
        (httpx.ReadError("reset"), "did not answer (reset)"),
        (httpx.RemoteProtocolError(""), "did not answer (RemoteProtocolError)"),
    ],
)
def test_a_timeout_and_a_broken_connection_have_their_own_hints(error, said):
    """No connection, no answer, and an answer that broke off are three things."""
    explained = api_errors.explain(error, "http://airflow/", None)
    assert explained.code is ExitCode.API_UNREACHABLE
    assert said in str(explained)


def test_a_host_without_a_route_is_told_with_the_kernels_word():
    """What has no sentence of its own is passed on as it is."""
    error = httpx.ConnectError("failed")
    error.__cause__ = OSError(errno.EHOSTUNREACH, "No route to host")
    assert "No route to host" in str(api_errors.explain(error, "http://airflow/", None))


def test_what_is_no_failure_of_the_api_server_is_not_explained_as_one():
    """An error of another kind stays what it is."""
    assert api_errors.explain(ValueError("odd"), "http://airflow/", None) is None
    assert api_errors.explain(OSError("disk"), "http://airflow/", None) is None


def test_httpx_under_its_next_name_is_understood():
    """Airflow 3.4 comes with httpx2; its errors have the same names."""
    kind = type("TransportError", (Exception,), {"__module__": "httpx2"})
    explained = api_errors.explain(kind("gone"), "http://airflow/", None)
    assert explained.code is ExitCode.API_UNREACHABLE


def test_a_load_balancers_503_has_its_own_hint():
    """There is an answer, so the way to the server is right."""
    error = RuntimeError("503")
    error.response = SimpleNamespace(status_code=503)
    assert "targets of the load balancer" in str(api_errors.explain(error, "http://airflow/", None))
