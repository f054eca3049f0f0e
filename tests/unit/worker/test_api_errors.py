"""Failed calls to the API server: each message has its cause and remedy. Uses real sockets."""

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
    """An AIRFLOW_HOME with the DAG."""
    folder = tmp_path_factory.mktemp("airflow")
    write_dag(folder)
    return folder


@pytest.fixture(scope="module")
def private_ca(tmp_path_factory):
    """A private CA, and its certificate for 127.0.0.1."""
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


def test_an_untrusted_certificate_is_not_reported_as_a_network_problem(home, private_ca):
    """The message names the setting for the CA, and does not mention security groups."""
    line = last_line(home, ExecutionApi(certificate=private_ca.server))
    assert "invalid certificate" in line
    assert "AIRFLOW__API__SSL_CERT" in line
    assert "security groups" not in line


@pytest.mark.parametrize(
    "variable",
    [
        "AIRFLOW__API__SSL_CERT",
        pytest.param(
            "SSL_CERT_FILE",
            marks=pytest.mark.skipif(
                tuple(map(int, AIRFLOW.split(".")[:2])) < (3, 3),
                reason="Airflow uses OpenSSL's settings since 3.3",
            ),
        ),
    ],
)
def test_a_configured_private_ca_is_accepted(home, private_ca, variable):
    """Each of the two documented settings is enough."""
    ran = run_task(
        local_worker(home),
        "ok",
        airflow_version=AIRFLOW,
        api=ExecutionApi(certificate=private_ca.server),
        environment={**ONCE, variable: str(private_ca.ca)},
    )
    assert (ran.exit_code, ran.states) == (ExitCode.SUCCESS, ["success"]), ran.output


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is a loopback address on Linux only")
def test_a_certificate_for_another_address_says_so(home, private_ca):
    """Its CA is trusted, so the remedy is another address."""
    line = last_line(
        home,
        ExecutionApi(certificate=private_ca.server),
        "127.0.0.2",
        AIRFLOW__API__SSL_CERT=str(private_ca.ca),
    )
    assert "use an address that is in the certificate" in line


def test_https_to_an_http_server_says_so(home):
    """The remedy is the scheme of the address, not a certificate."""
    line = last_line(home, ExecutionApi(scheme="https"))
    assert "http:// or https://" in line


def test_a_name_that_does_not_resolve_says_so(home):
    """The remedy is the address or DNS; names in `.invalid` never exist."""
    line = last_line(home, **{URL: "http://airflow.invalid:8080/execution/"})
    assert "does not resolve" in line
    assert URL in line


def test_a_closed_port_says_so(home):
    """The server is down, or its port is wrong."""
    assert "refused the connection" in last_line(home, **{URL: "http://127.0.0.1:9/execution/"})


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (httpx.ConnectTimeout("timed out"), "security groups, the routes and the subnets"),
        (httpx.ReadTimeout("timed out"), "execution_api_timeout"),
        (httpx.ReadError("reset"), "did not answer (reset)"),
        (httpx.RemoteProtocolError(""), "did not answer (RemoteProtocolError)"),
    ],
)
def test_a_timeout_and_a_broken_connection_have_their_own_hints(error, fact):
    """A missing connection, a missing answer and an interrupted answer have different remedies."""
    explained = api_errors.explain(error, "http://airflow/", None)
    assert explained.code is ExitCode.API_UNREACHABLE
    assert fact in str(explained)


def test_an_unknown_cause_is_quoted():
    """The message has the error's own text."""
    error = httpx.ConnectError("failed")
    error.__cause__ = OSError(errno.EHOSTUNREACH, "No route to host")
    assert "No route to host" in str(api_errors.explain(error, "http://airflow/", None))


def test_other_errors_are_not_blamed_on_the_api_server():
    """They are raised unchanged."""
    assert api_errors.explain(ValueError("odd"), "http://airflow/", None) is None
    assert api_errors.explain(OSError("disk"), "http://airflow/", None) is None


def test_errors_of_httpx2_are_recognized():
    """Airflow 3.4 uses httpx2, whose errors have the same names."""
    kind = type("TransportError", (Exception,), {"__module__": "httpx2"})
    explained = api_errors.explain(kind("gone"), "http://airflow/", None)
    assert explained.code is ExitCode.API_UNREACHABLE


def test_a_load_balancers_503_has_its_own_hint():
    """There is an answer, so the route to the server works."""
    error = RuntimeError("503")
    error.response = SimpleNamespace(status_code=503)
    assert "targets of its load balancer" in str(api_errors.explain(error, "http://airflow/", None))
