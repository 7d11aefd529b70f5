from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from issues import workflow
from issues.management.commands import issue_manual
from issues.models import KindLimit
from issues.workflow import MOVES, State

TEXT = (settings.BASE_DIR / issue_manual.PAGE).read_text(encoding="utf-8")


def test_the_manual_s_diagram_is_that_of_the_table():
    arrows = set(re.findall(r"^    (\w+) --> (\w+): ", TEXT, re.MULTILINE))
    assert arrows == {(source.value, target.value) for source, target in workflow.pairs()}
    assert set(re.findall(r'state "(.+?)" as (\w+)', TEXT)) == {(str(s.label), s.value) for s in State}
    assert TEXT.count("\n| ") >= len(MOVES)


def test_the_generated_part_is_up_to_date():
    call_command("issue_manual", check=True)


def test_an_outdated_manual_is_found_and_mended(tmp_path, settings):
    page = tmp_path / issue_manual.PAGE
    page.parent.mkdir(parents=True)
    page.write_text(TEXT.replace("分派", "乱派"), encoding="utf-8")
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError):
        call_command("issue_manual", check=True)
    call_command("issue_manual")
    call_command("issue_manual", check=True)
    assert issue_manual.generated() in page.read_text(encoding="utf-8")


@pytest.mark.django_db
def test_the_manual_s_limits_are_those_shipped():
    rows = re.findall(r"^\| (\S+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    shipped = {
        (str(row.get_kind_display()), str(row.workdays), str(row.urgent_workdays)) for row in KindLimit.objects.all()
    }
    assert set(rows) == shipped
