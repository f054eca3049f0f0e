"""Imports that are put off: nothing is imported before its use, and everything is itself when it is used."""

from __future__ import annotations

import builtins
import importlib
import os
import pickle
import subprocess
import sys
import textwrap

import pytest

from airflow_fargate.worker import lazy_imports

LIBRARY = """
print("the library is imported")
class Shape:
    def __init__(self, size=1):
        self.size = size
def area(shape):
    return shape.size ** 2
"""


@pytest.fixture
def package(tmp_path, monkeypatch, capsys):
    """Return a maker of the package `drawing`: its module `user` imports from `drawing.library`."""
    (tmp_path / "drawing").mkdir()
    (tmp_path / "drawing" / "__init__.py").write_text("")
    (tmp_path / "drawing" / "library.py").write_text(LIBRARY)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    lazy_imports.install({"drawing.user": ("drawing.library", "drawing.absent", "nowhere")}, {})

    def make(text):
        (tmp_path / "drawing" / "user.py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module("drawing.user")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "drawing"]:
        del sys.modules[name]
    capsys.readouterr()


def imported():
    """Tell whether the library has been imported."""
    return "drawing.library" in sys.modules


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from drawing.library import Shape", "Shape"),
        ("from .library import Shape", "Shape"),
        ("from drawing.library import Shape as Form", "Form"),
        ("from drawing import library\nShape = library.Shape", None),
        ("import drawing.library", "drawing.library.Shape"),
    ],
)
def test_what_is_used_inside_a_function_is_imported_there(package, statement, name):
    """Whichever way it was imported, the function sees the real class."""
    user = package(f"{statement}\ndef make():\n    return {name or 'Shape'}(3)")
    before = imported()
    made = user.make()
    assert type(made) is sys.modules["drawing.library"].Shape
    assert before == (name is None)  # the fourth imports a package's attribute, which is not in the table


def test_what_is_asked_for_from_outside_is_imported_then(package):
    """As an attribute, and by a `from` import; a name that does not exist is what it always was."""
    user = package("from drawing.library import Shape, area")
    assert not imported()
    assert user.area(user.Shape(3)) == 9
    from drawing.user import Shape  # noqa: PLC0415

    assert Shape is sys.modules["drawing.library"].Shape
    assert vars(user)["Shape"] is Shape
    with pytest.raises(AttributeError, match="no attribute 'Circle'"):
        _ = user.Circle


def test_a_class_below_one_that_is_put_off_is_made_at_its_first_use(package):
    """Its instances are instances of both, can be pickled, and it can be subclassed."""
    user = package(
        """
        from drawing.library import Shape
        class Square(Shape):
            def area(self):
                return self.size ** 2
        def make():
            return Square(3)
        """
    )
    assert not imported()
    made = user.make()
    assert made.area() == 9
    assert isinstance(made, user.Square)
    assert isinstance(made, sys.modules["drawing.library"].Shape)
    assert type(pickle.loads(pickle.dumps(made))) is user.Square  # noqa: S301  our own bytes

    class Tile(user.Square):
        pass

    assert Tile(2).area() == 4


@pytest.mark.parametrize(
    "use",
    [
        "NINE = area(Shape(3))",
        "class Square(Shape): pass\nNINE = Square(3).size ** 2",
        "import drawing.library\nNINE = drawing.library.area(Shape(3))",
    ],
)
def test_what_a_module_uses_at_its_top_is_imported_at_once(package, use):
    """A release that begins to need a name of the table at once still gets it."""
    assert package(f"from drawing.library import Shape, area\n{use}").NINE == 9


def test_what_is_not_installed_fails_where_the_module_expects_it(package):
    """`try: import x` / `except ImportError` keeps its meaning."""
    user = package("try:\n    import nowhere\nexcept ImportError:\n    nowhere = None")
    assert user.nowhere is None


def test_what_cannot_be_imported_says_so_at_its_use(package):
    """The error is the import's own."""
    user = package("from drawing.absent import thing\ndef use():\n    return thing")
    with pytest.raises(ModuleNotFoundError, match=r"drawing\.absent"):
        user.use()


def test_the_module_sees_pythons_own_builtins(package, monkeypatch):
    """Also one that comes later; and its own `__getattr__` is asked first."""
    user = package(
        """
        from drawing.library import Shape
        def count(things):
            return len(things), added_later
        def typo():
            return lenn
        def __getattr__(name):
            if name == "old":
                return "new"
            raise AttributeError(name)
        """
    )
    monkeypatch.setattr(builtins, "added_later", 42, raising=False)
    assert user.count([1]) == (1, 42)
    assert user.old == "new"
    with pytest.raises(NameError, match="lenn"):
        user.typo()
    assert user.Shape is sys.modules["drawing.library"].Shape


def test_a_module_can_be_given_another_instead(package, monkeypatch):
    """What a function of it imports later too."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    lazy_imports.install({}, {"drawing.user": {"json": "drawing.library"}})
    user = package("def area(size):\n    import json\n    return json.area(json.Shape(size))")
    assert user.area(3) == 9


def test_a_class_that_is_handed_on_behaves_as_the_real_one(package, monkeypatch):
    """It is a class, makes the real one's instances, and knows them."""
    monkeypatch.setattr(lazy_imports, "HELD", frozenset({("drawing.library", "Shape")}))
    user = package("from drawing.library import Shape\nHELD = [Shape]")
    [held] = user.HELD
    assert isinstance(held, type)
    assert not imported()
    real = sys.modules["drawing.library"].Shape if held(3).size == 3 else None
    assert type(held(3)) is real
    assert isinstance(real(), held)
    assert issubclass(real, held)
    assert held.__init__ is not None


AIRFLOW = """
import gc, importlib, sys
from airflow_fargate.worker import airflow_runtime, lazy_imports
airflow_runtime.import_airflow()
import airflow.sdk.execution_time.supervisor, airflow.sdk.execution_time.task_runner
"""


def in_airflow(script, home):
    """Run a script in a process that has imported Airflow as the worker does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-c", AIRFLOW + textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_importing_airflow_leaves_no_placeholder(tmp_path):
    """Only the tables of what is still to be imported hold any, and the classes that are handed on."""
    script = """
        tables = [m.__dict__["__builtins__"] for n in lazy_imports.DEFERRED if (m := sys.modules.get(n))]
        put_off = [value for table in tables for value in table.pending.values()]
        cells = [cell for value in put_off for cell in getattr(value.resolve, "__closure__", ())]
        tuples = [cell.cell_contents for cell in cells if isinstance(cell.cell_contents, tuple)]
        bases = [base for each in tuples for base in each]
        known = {id(value) for value in put_off + bases}
        all_of_them = [o for o in gc.get_objects() if isinstance(o, lazy_imports._Deferred)]
        placeholders = [o for o in all_of_them if id(o) not in known]
        held = [o._deferred for o in gc.get_objects() if type(o) is lazy_imports._ClassPlaceholder]
        print(len(tables) > 5, [vars(o) for o in placeholders if o not in held])
    """
    assert in_airflow(script, tmp_path) == "True []"


def test_everything_that_airflow_puts_off_can_be_imported(tmp_path):
    """Each name of each module of the table leads to a real object."""
    script = """
        for name in lazy_imports.DEFERRED:
            module = sys.modules.get(name)
            for put_off in list(module.__dict__["__builtins__"].pending if module else ()):
                value = getattr(module, put_off)
                assert not isinstance(value, (lazy_imports._Deferred, lazy_imports._From)), (name, put_off)
        print("all")
    """
    assert in_airflow(script, tmp_path) == "all"


def test_importing_airflow_imports_no_database_and_masks_its_secrets(tmp_path, monkeypatch):
    """What is in the table is not imported, Airflow's own mark is gone, its secrets are known to the log."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "a-key-to-be-masked")
    script = """
        import os
        os.environ["AIRFLOW__CORE__FERNET_KEY"] = "a-key-to-be-masked"
        from airflow.configuration import conf
        conf.mask_secrets()
        from airflow.sdk._shared.secrets_masker import redact
        print(redact("a-key-to-be-masked"), airflow_runtime.REEXECUTED in os.environ,
              sorted({"sqlalchemy", "libcst", "rich", "dill"} & set(sys.modules)))
    """
    assert in_airflow(script, tmp_path) == "*** False []"


def test_it_can_be_turned_off(tmp_path, monkeypatch):
    """For a library that it does not suit: then Airflow is imported as it comes."""
    script = """
        installed = any(type(finder) is lazy_imports._Finder for finder in sys.meta_path)
        print(installed, "sqlalchemy" in sys.modules)
    """
    assert in_airflow(script, tmp_path) == "True False"
    with_switch = "import os; os.environ['AIRFLOW_FARGATE_EAGER_IMPORTS'] = '1'\n" + AIRFLOW
    monkeypatch.setattr(sys.modules[__name__], "AIRFLOW", with_switch)
    assert in_airflow(script, tmp_path) == "False True"
