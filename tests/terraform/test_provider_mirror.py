"""Where the provider comes from when the registry cannot be reached."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from terraform import provider_mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeMirror = Callable[[str], Path]


@pytest.fixture
def make_mirror(tmp_path: Path) -> MakeMirror:
    """Return a function that makes a mirror directory under the test's own folder."""

    def make(where: str) -> Path:
        directory: Path = tmp_path / where
        directory.joinpath("registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64").mkdir(parents=True)
        return directory

    return make


def test_the_environment_s_mirror_is_taken_first(make_mirror: MakeMirror, tmp_path: Path) -> None:
    """``TF_PLUGIN_MIRROR`` outranks the implied directories."""
    named = make_mirror("named")
    make_mirror("home/.terraform.d/plugins")

    environment = {"TF_PLUGIN_MIRROR": str(named), "HOME": str(tmp_path / "home")}
    found = provider_mirror.find_mirror(environment, [tmp_path])

    assert found == named


def test_a_wrong_mirror_in_the_environment_is_an_error(tmp_path: Path) -> None:
    """A ``TF_PLUGIN_MIRROR`` without the provider is not silently passed over."""
    with pytest.raises(FileNotFoundError, match="terraform providers mirror"):
        provider_mirror.find_mirror({"TF_PLUGIN_MIRROR": str(tmp_path)}, [tmp_path])


@pytest.mark.parametrize("where", [".terraform.d/plugins", ".local/share/terraform/plugins"])
def test_implied_directories_come_before_a_search(
    where: str, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    """Terraform's own directories are looked at without a search."""
    implied = make_mirror(f"home/{where}")

    assert provider_mirror.find_mirror({"HOME": str(tmp_path / "home")}, []) == implied


def test_the_search_finds_a_mirror_anywhere(make_mirror: MakeMirror, tmp_path: Path) -> None:
    """A directory named like the registry is found, and one without the provider is passed over."""
    tmp_path.joinpath("a/registry.terraform.io/hashicorp/random").mkdir(parents=True)
    mirror = make_mirror("b/c")

    assert provider_mirror.find_mirror({"HOME": str(tmp_path / "nobody")}, [tmp_path]) == mirror


def test_the_search_follows_no_link_and_goes_not_too_deep(make_mirror: MakeMirror, tmp_path: Path) -> None:
    """A loop of links ends, and depth is bounded."""
    make_mirror("1/2/3/4")
    tmp_path.joinpath("loop").symlink_to(tmp_path)

    assert list(provider_mirror.search([tmp_path], deepest=3)) == []


def test_without_a_mirror_terraform_goes_its_normal_way(tmp_path: Path) -> None:
    """No mirror, no provider_installation."""
    assert provider_mirror.find_mirror({"HOME": str(tmp_path)}, [tmp_path]) is None
    assert "provider_installation" not in provider_mirror.cli_configuration(None)


def test_the_program_prints_the_file_it_wrote(make_mirror: MakeMirror, tmp_path: Path) -> None:
    """The smoke test may call it as a program with nothing but the standard library."""
    mirror = make_mirror("mirror")
    file = tmp_path / "made/for/it.tfrc"

    done = subprocess.run(
        [sys.executable, "-I", provider_mirror.__file__, str(file)],
        env={"TF_PLUGIN_MIRROR": str(mirror)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == str(file)
    assert f'path    = "{mirror}"' in file.read_text(encoding="utf-8")


def test_the_program_says_what_is_wrong(tmp_path: Path) -> None:
    """A wrong mirror ends the program with one sentence and 1."""
    done = subprocess.run(
        [sys.executable, "-I", provider_mirror.__file__, str(tmp_path / "x")],
        env={"TF_PLUGIN_MIRROR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "terraform providers mirror" in done.stderr
    assert "Traceback" not in done.stderr
