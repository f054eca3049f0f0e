"""botocore's own model of RunTask, as a check before the first call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def _run_task_input() -> Any:
    from botocore.loaders import Loader  # noqa: PLC0415  a megabyte of model, read when first used
    from botocore.model import ServiceModel  # noqa: PLC0415  the same

    service = ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs")
    return service.operation_model("RunTask").input_shape


def request_faults(request: Mapping[str, Any]) -> str:
    """Check keyword arguments of run_task, without a client and without a call.

    Returns:
        What is wrong, each fault with its key; empty when nothing is.
    """
    from botocore.validate import ParamValidator  # noqa: PLC0415  with the model, above

    report = ParamValidator().validate(dict(request), _run_task_input())
    return str(report.generate_report()).replace("\n", "; ")
