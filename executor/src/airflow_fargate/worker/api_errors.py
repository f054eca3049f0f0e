"""Turn a failed call to the API server into a message and the worker's exit code.

httpx raises the same error, ConnectError, for a name that does not resolve, a closed port and an untrusted
certificate. The cause is in the chain of exceptions, and each cause has its own remedy. Importing this module
imports only the standard library.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.airflow_runtime import NOT_WANTED
from airflow_fargate.worker.errors import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HTTP_UNAUTHORIZED, HTTP_FORBIDDEN = 401, 403
HTTP_SERVER_ERROR = 500
_CERTIFICATE_EXPIRED, _OTHER_HOST, _OTHER_IP = 10, 62, 64
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH."""


def explain(error: Exception, server: str, ended: str | None) -> WorkerError | None:
    """Return what a failed call means; None if it is not about the API server.

    Args:
        error: what the call raised.
        server: the API server's address.
        ended: the final state of the task if it ended before the call, else None.
    """
    chain = tuple(_chain(error))
    status = next(filter(None, map(_status_of, chain)), None)
    if status is None and not any(_is(each, "TransportError") for each in chain):
        return None
    code, what = _answered(status) if status else (ExitCode.API_UNREACHABLE, _not_answered(chain))
    about = f"The task ended as {ended}, but Airflow does not know it: t" if ended else "T"
    return WorkerError(code, f"{about}he API server at {server} {what}")


def _answered(status: int) -> tuple[ExitCode, str]:
    if status in (HTTP_UNAUTHORIZED, HTTP_FORBIDDEN):
        return ExitCode.TOKEN_REJECTED, (
            f"rejected the token ({status}): it expired before the container started, or the services have "
            "different values of AIRFLOW__API_AUTH__JWT_SECRET. Set the same secret everywhere."
        )
    if status in NOT_WANTED:
        return (
            ExitCode.TRY_REJECTED,
            f"rejected this try ({status}): it runs elsewhere, has ended, or was cleared.",
        )
    if status < HTTP_SERVER_ERROR:
        return ExitCode.PAYLOAD_INVALID, (
            f"rejected the request ({status}): check that the image's Airflow release is the server's."
        )
    return ExitCode.API_UNREACHABLE, (
        f"answered {status}: check its log, and the targets of its load balancer."
    )


def _not_answered(chain: tuple[BaseException, ...]) -> str:
    """Return why the server did not answer, and what to do."""
    for error in reversed(chain):  # the cause comes last
        for kind, sentence in _CAUSES:
            if _is(error, kind):
                return sentence(error)
    return (
        f"did not answer ({str(chain[-1]) or type(chain[-1]).__name__}): check that it is up, and check its "
        "load balancer, the security groups and the routes."
    )


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    remedy = "for a private CA, set AIRFLOW__API__SSL_CERT to a file in the image with the CA's certificate"
    if error.verify_code == _CERTIFICATE_EXPIRED:
        remedy = "renew it"
    elif error.verify_code in (_OTHER_HOST, _OTHER_IP):
        remedy = "use an address that is in the certificate"
    return f"has an invalid certificate ({error.verify_message.rstrip('.')}): {remedy}."


_CAUSES: tuple[tuple[type[BaseException] | str, Callable[[Any], str]], ...] = (
    (ssl.SSLCertVerificationError, _certificate),
    (
        ssl.SSLError,
        lambda error: (
            f"does not speak TLS ({error.reason or error}): check whether its address must begin with "
            "http:// or https://."
        ),
    ),
    (
        socket.gaierror,
        lambda error: (
            f"has a name that does not resolve ({error.strerror}): check "
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL and the DNS of the container's VPC."
        ),
    ),
    (
        ConnectionRefusedError,
        lambda _: "refused the connection: check that it is up, and check the port in its address.",
    ),
    (
        "ReadTimeout",
        lambda _: "did not answer in time: check its load, or raise [workers] execution_api_timeout.",
    ),
    (
        "TimeoutException",
        lambda _: "could not be reached in time: check the security groups, the routes and the subnets.",
    ),
)
"""Error type, or its name in httpx -> the rest of the message. Specific types come first."""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status_of(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is(error: BaseException, kind: type[BaseException] | str) -> bool:
    """Say whether an error has a type; a name is a type of httpx, or of httpx2 (Airflow 3.4)."""
    if not isinstance(kind, str):
        return isinstance(error, kind)
    return any(
        base.__name__ == kind and base.__module__.partition(".")[0] in ("httpx", "httpx2")
        for base in type(error).__mro__
    )
