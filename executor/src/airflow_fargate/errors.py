"""What this package raises: one tree, each error a sentence that says what to do."""

from __future__ import annotations


class FargateError(Exception):
    """The root of every error that this package raises on purpose."""


class ConfigurationError(FargateError):
    """The ``[fargate]`` section cannot be used as it stands; the executor does not start."""


class TaskOptionsError(FargateError):
    """The options of one task (executor_config, queue profile) ask for what cannot run; only it fails."""


class RequestError(FargateError):
    """The RunTask request of one task is not one that AWS would take; only that task fails."""
