"""The errors of this package. Each message says what is wrong and what to do."""

from __future__ import annotations


class FargateError(Exception):
    """The base class of this package's errors."""


class ConfigurationError(FargateError):
    """The ``[fargate]`` section is invalid; the executor does not start."""


class TaskOptionsError(FargateError):
    """The options of one task (executor_config) are invalid; only this task fails."""


class RequestError(FargateError):
    """AWS would reject the RunTask request of one task; only this task fails."""
