"""Defer imports of Airflow's modules that tasks rarely use until their first use.

Half of the time of importing Airflow goes into modules that only the scheduler, the API server or a terminal
needs: the database models, a syntax tree library, a pretty printer. In the modules named in `DEFERRED`, and
nowhere else, such an import binds no name at first. The first use of the name, inside the module or outside
(`module.name`, `from module import name`), imports the module and gets the real object. Placeholders exist
only while the module is executed (except for `HELD`), so `isinstance`, subclasses and pickles work as usual.
Python 3.15 has this built in (PEP 810).

Entries for modules that a release does not have, or imports that a module does not make, have no effect.
Importing this module imports only the standard library.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from functools import partial
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec

DEFERRED: dict[str, tuple[str, ...]] = {
    # The metadata database, which workers of Airflow 3 do not use.
    "airflow.configuration": ("airflow.models",),
    "airflow.executors.executor_loader": ("airflow.models",),
    "airflow.providers.standard.operators.python": ("airflow.models",),
    "airflow.secrets.metastore": ("sqlalchemy",),
    "airflow.settings": ("sqlalchemy", "airflow.utils.orm_event_handlers"),
    "airflow.utils.log.file_task_handler": ("airflow.utils.log.task_log_address",),
    "airflow.dag_processing.bundles.manager": ("sqlalchemy", "airflow.models", "itsdangerous"),
    # Serialized DAGs: a worker reads files.
    "airflow.dag_processing.dagbag": (
        "airflow.models",
        "airflow.serialization.definitions.dag",
        "airflow.serialization.serialized_objects",
        "tabulate",
    ),
    # Removes the @task line from a function's source, for a virtual environment.
    "airflow.sdk.definitions._internal.decorators": ("libcst",),
    # Sends spans to a collector if that is configured.
    "airflow._shared.observability.traces": ("opentelemetry.sdk",),
    "airflow.sdk._shared.observability.traces": ("opentelemetry.sdk",),
    # httpx's command line.
    "httpx": ("httpx._main",),
    # Coloured tracebacks; the worker logs JSON.
    "structlog.dev": ("rich",),
    "structlog.tracebacks": ("rich",),
}
"""Importing module -> imports at its top that it does not use there, with their submodules."""

INSTEAD: dict[str, dict[str, str]] = {
    # Airflow's own module uses the parser in C, which takes a tenth of the time.
    "airflow._shared.observability.metrics.metrics_registry": {"yaml": "airflow.utils.yaml"},
    "airflow.sdk._shared.observability.metrics.metrics_registry": {"yaml": "airflow.sdk.yaml"},
}
"""Importing module -> an import -> its replacement."""

HELD = frozenset({("airflow.models", "Connection")})
"""Classes that are passed on while the importing module is executed: secrets backends keep this one until
they find a connection. They get a class that behaves like the real one."""


def install(
    deferred: Mapping[str, Sequence[str]] = DEFERRED, instead: Mapping[str, Mapping[str, str]] = INSTEAD
) -> None:
    """Defer the imports of modules that are imported from now on."""
    sys.meta_path.insert(0, _Finder(deferred, instead))


class _Finder:
    """Finds the modules of the table as Python does, and defers their imports while they are executed."""

    def __init__(
        self, deferred: Mapping[str, Sequence[str]], instead: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._deferred = deferred
        self._instead = instead

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        deferred, instead = self._deferred.get(fullname, ()), self._instead.get(fullname, {})
        if not deferred and not instead:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = partial(_execute, loader, tuple(deferred), instead)
        return spec


class _Deferred:
    """A placeholder for an import while its module is executed. Using it makes the import.

    Args:
        resolve: Imports, and returns what the statement would have bound.
        is_module: Whether that is a module, whose attributes can be deferred, too.
    """

    def __init__(self, resolve: Callable[[], Any], *, is_module: bool = False) -> None:
        self.resolve = resolve
        self._is_module = is_module

    def __getattr__(self, name: str) -> Any:
        if self._is_module and not name.startswith("__"):
            return _Deferred(lambda: getattr(self.resolve(), name))
        return getattr(self.resolve(), name)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.resolve()(*arguments, **keywords)

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.resolve(),)


def _import_whole(name: str) -> Any:
    """Do `import name`."""
    importlib.import_module(name)
    return sys.modules[name.partition(".")[0]]


def _import_from(module: str, name: str) -> Any:
    """Do `from module import name`."""
    imported = importlib.import_module(module)
    try:
        return getattr(imported, name)
    except AttributeError:
        return importlib.import_module(f"{module}.{name}")


class _ClassPlaceholder(type):
    """The type of a placeholder for a class: calls, attributes and comparisons go to the real class."""

    _deferred: _Deferred

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        return cls._deferred.resolve()(*arguments, **keywords)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls._deferred.resolve(), name)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls._deferred.resolve())

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(subclass, cls._deferred.resolve())


class _From:
    """The result of `__import__` for `from module import names`."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        deferred = _Deferred(partial(_import_from, self._module, name))
        if (self._module, name) not in HELD:
            return deferred
        return _ClassPlaceholder(name, (), {"_deferred": deferred})


class _Builtins(dict[str, Any]):
    """The builtins of one module: deferred names are imported, all others are Python's own."""

    def __init__(self, module: ModuleType, deferred: tuple[str, ...], instead: Mapping[str, str]) -> None:
        super().__init__(__import__=self._import, __build_class__=self._build_class)
        self._globals = module.__dict__
        self._deferred = deferred
        self._instead = instead
        self.pending: dict[str, _Deferred] = {}

    def _import(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Python's `__import__` while the module is executed."""
        given = {**dict(zip(("globals", "locals", "fromlist", "level"), arguments, strict=False)), **keywords}
        fromlist, level = given.get("fromlist"), given.get("level", 0)
        absolute = name
        if level:
            absolute = importlib.util.resolve_name("." * level + name, self._globals["__package__"])
        named = any(absolute == each or absolute.startswith(f"{each}.") for each in self._deferred)
        # A module that is not installed fails at once, because the importing module may expect that.
        if named and importlib.util.find_spec(absolute.partition(".")[0]):
            whole = _Deferred(partial(_import_whole, absolute), is_module=True)
            return _From(absolute) if fromlist else whole
        return self._import_now(name, *arguments, **keywords)

    def _import_now(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Python's `__import__` afterwards."""
        if name in self._instead:
            return importlib.import_module(self._instead[name])
        return builtins.__import__(name, *arguments, **keywords)

    def _build_class(self, body: Any, name: str, *bases: Any, **keywords: Any) -> Any:
        def build() -> Any:
            real = [base.resolve() if isinstance(base, _Deferred) else base for base in bases]
            return builtins.__build_class__(body, name, *real, **keywords)

        return _Deferred(build) if any(isinstance(base, _Deferred) for base in bases) else build()

    def settle(self) -> None:
        """Remove the placeholders after the module was executed."""
        self["__import__"] = self._import_now if self._instead else builtins.__import__
        del self["__build_class__"]
        for name, value in list(self._globals.items()):
            if type(value) is _Deferred:
                self.pending[name] = value
                del self._globals[name]

    def imported(self, name: str) -> Any:
        """Make the deferred import of this name; raise KeyError if there is none."""
        value = self._globals[name] = self.pending[name].resolve()
        return value

    def __missing__(self, name: str) -> Any:
        return self.imported(name) if name in self.pending else builtins.__dict__[name]


class _Module(ModuleType):
    """A module with deferred imports: a missing attribute is imported, after its own `__getattr__`."""

    def __getattr__(self, name: str) -> Any:
        namespace = self.__dict__["__builtins__"]
        if isinstance(namespace, _Builtins) and name in namespace.pending:
            return namespace.imported(name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _execute(loader: Any, deferred: tuple[str, ...], instead: Mapping[str, str], module: ModuleType) -> None:
    namespace = _Builtins(module, deferred, instead)
    module.__dict__["__builtins__"] = namespace
    type(loader).exec_module(loader, module)
    namespace.settle()
    if namespace.pending:
        module.__class__ = _Module
