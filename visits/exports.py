"""A campaign's households as a workbook: to be printed, read, or filled in and sent back as a table of visitors."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from issues.exports import put, styled
from outreach import workbooks
from outreach.models import Campaign, Unit
from visits.models import Assignment

MAX_ROWS = 50_000
HEADER_ROWS = 2
WIDTHS = (6, 16, 16, 14, 12, 26, 22, 14, 14, 14, 14, 10, 14, 14)


def headers() -> list[str]:
    """The column titles; those a table of visitors is read by keep their Chinese names (visits.sheets)."""
    return [
        _("No."),
        _("Township"),
        "村",
        _("Group"),
        "户编号",
        _("Address"),
        _("Household categories"),
        _("Head of household"),
        "走访干部",
        "工号",
        _("State"),
        _("Attempts"),
        _("Last visit"),
        _("Visited on"),
    ]


def roster_book(
    duties: Iterable[Assignment], *, campaign: Campaign, townships: dict[str, str], categories: dict[str, str]
) -> tuple[bytes, int]:
    """Return the workbook of `duties`, in their order, and how many they are.

    `duties` come with household, its village, and visitor loaded; `townships` are names by nine-digit code,
    `categories` names by code. Text is never a formula. The caller has seen to it that there are at most MAX_ROWS.
    """
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_("Households"))
    for column, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = f"A{HEADER_ROWS + 1}"
    workbooks.print_landscape(sheet, head=HEADER_ROWS)
    title = _("%(campaign)s: households (%(day)s)") % {"campaign": campaign.name, "day": timezone.localdate()}
    sheet.append([styled(sheet, title, size=16, bold=True)])
    sheet.append([styled(sheet, text, bold=True, border=True) for text in headers()])
    # filled anew for each row: making a styled cell each time would take minutes
    cells = [styled(sheet, "", border=True, horizontal="left") for _width in WIDTHS]
    count = 0
    for count, duty in enumerate(duties, 1):
        for cell, value in zip(cells, _row(count, duty, townships, categories), strict=True):
            put(cell, value)
        sheet.append(cells)
    sheet.merged_cells.add(f"A1:{get_column_letter(len(WIDTHS))}1")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), count


def _row(number: int, duty: Assignment, townships: dict[str, str], categories: dict[str, str]) -> list[str | int]:
    household: Any = duty.household
    village: Unit = household.village
    last = timezone.localtime(duty.last_visit_at).date().isoformat() if duty.last_visit_at else ""
    return [
        number,
        townships.get(village.township_code, ""),
        village.name,
        household.group,
        household.number,
        household.address,
        "、".join(categories.get(code, code) for code in household.categories),
        household.head_name,
        duty.visitor.name if duty.visitor else "",
        duty.visitor.staff_number if duty.visitor else "",
        str(duty.get_state_display()),
        duty.attempts,
        f"{last} {duty.get_last_outcome_display()}".strip() if duty.last_outcome else "",
        duty.covered_on.isoformat() if duty.covered_on else "",
    ]
