"""What is installed on a base that has packages of its own, and what the list of licences says."""

from __future__ import annotations

import pytest

from worker_image import install, sbom

LOCK = """\
zope.interface==8.0 \\
    --hash=sha256:aa
Typing_Extensions==4.16.0 ; python_version < "3.13" \\
    --hash=sha256:bb \\
    --hash=sha256:cc
attrs==26.1.0 \\
    --hash=sha256:dd
"""
CHECKED = """\
apache-airflow-providers-amazon 9.39.0 requires pyathena, which is not installed.
pydantic 2.13.0 has requirement typing-extensions>=4.16, but you have typing-extensions 4.10.0.
"""


def test_a_lock_is_parted_without_losing_a_hash():
    """What the base has is left out whatever way its name is written, and the rest stays as it was."""
    names = {"typing-extensions", "zope-interface"}
    assert install.without(LOCK, names) == "attrs==26.1.0 \\\n    --hash=sha256:dd\n"
    assert install.only(LOCK, {"typing-extensions"}).count("sha256") == 2
    assert install.without(LOCK, set()) == LOCK
    assert install.without(LOCK, names) != install.only(LOCK, names)


def test_only_versions_that_do_not_fit_are_conflicts():
    """A package that was left out on purpose is none."""
    assert install.conflicts(CHECKED) == {"typing-extensions"}
    assert install.conflicts("No broken requirements found.\n") == set()


@pytest.mark.parametrize(
    ("licences", "shown"),
    [
        ([{"license": {"id": "Apache-2.0"}}], "Apache-2.0"),
        ([{"expression": "MIT OR Apache-2.0"}], "MIT OR Apache-2.0"),
        ([{"license": {"name": "License :: OSI Approved :: MIT License"}}], "MIT License"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "MIT"}}], "MIT"),
        ([], sbom.UNKNOWN),
    ],
)
def test_a_licence_is_one_line(licences, shown):
    """An expression as it is, an SPDX name, else what the classifier says; and what is silent is told."""
    assert sbom.licences({"licenses": licences}) == shown


def test_a_debian_package_s_licence_is_where_debian_keeps_it():
    """Debsbom reads none; one that is declared after all is shown."""
    debian = {"name": "acl", "purl": "pkg:deb/debian/acl@2.3.1-3?arch=amd64"}
    assert sbom.licences(debian) == "see /usr/share/doc/acl/copyright in the image"
    assert (
        sbom.licences({**debian, "licenses": [{"license": {"id": "GPL-2.0-or-later"}}]}) == "GPL-2.0-or-later"
    )
