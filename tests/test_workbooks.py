"""A workbook that would unfold into gigabytes is refused before anything parses it, at every door that takes one."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from openpyxl import Workbook

from outreach import workbooks
from reports import entered
from surveys import polls


def corners() -> bytes:
    """Two cells, as far apart as Excel allows."""
    book, out = Workbook(), io.BytesIO()
    book.active["A1"] = book.active["XFD1048576"] = "x"
    book.save(out)
    return out.getvalue()


def zeros() -> bytes:
    """A small archive of 80 MB of nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(80 * 1024 * 1024))
    return out.getvalue()


def test_an_ordinary_workbook_passes():
    book, out = Workbook(), io.BytesIO()
    book.active["A1"] = book.active["Z9999"] = "x"
    book.save(out)
    workbooks.guard(out.getvalue())


@pytest.mark.parametrize(("make", "part"), [(corners, "xl/worksheets/sheet1.xml"), (zeros, "")])
def test_a_workbook_out_of_proportion_is_refused_with_the_part(make, part):
    with pytest.raises(workbooks.OversizedError) as caught:
        workbooks.guard(make())
    assert caught.value.part == part


def test_no_workbook_at_all_is_no_archive():
    with pytest.raises(zipfile.BadZipFile):
        workbooks.guard(b"junk")


@pytest.mark.django_db
def test_polls_and_entered_figures_refuse_far_corners_with_a_message(cast):
    with pytest.raises(ValidationError):
        polls.read_workbook(corners(), cast.district, cast.district_office)
    with pytest.raises(ValidationError):
        entered.read_workbook(corners(), "figures.xlsx")
