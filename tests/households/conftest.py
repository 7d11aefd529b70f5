"""What the tests of rosters share: importing a made-up file, and reading the tables back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from households.models import Household, Resident, RosterImport
from households.roster import actions
from outreach.models import Unit, User
from tests.cast import Cast


@pytest.fixture
def media(settings, tmp_path) -> Path:
    """A folder of the test's own for uploaded files."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def upload(cast: Cast, media, run_tasks) -> Callable[..., RosterImport]:
    """Upload a file as the township's admin and check it, as the browser would: upload(content)."""

    def start(content: bytes, *, unit: Unit | None = None, by: User | None = None, name: str = "花名册.xlsx"):
        with run_tasks():
            started = actions.start_import(
                unit=unit or cast.qingxi, chunks=[content], filename=name, by=by or cast.township_admin
            )
        started.refresh_from_db()
        return started

    return start


@pytest.fixture
def bring_in(cast: Cast, upload, run_tasks) -> Callable[..., RosterImport]:
    """Upload, check and commit a file: bring_in(content)."""

    def go(content: bytes, **options) -> RosterImport:
        started = upload(content, **options)
        assert started.state == RosterImport.State.CHECKED, started.failure
        with run_tasks():
            actions.request_commit(roster_import=started, by=options.get("by") or cast.township_admin)
        started.refresh_from_db()
        return started

    return go


def tables() -> tuple[list, list]:
    """Every household and resident as they stand."""
    return list(Household.objects.order_by("pk").values()), list(Resident.objects.order_by("pk").values())


def people() -> dict[str, str]:
    """Each resident's name → the head of the household."""
    return {one.name: one.household.head_name for one in Resident.objects.select_related("household")}
