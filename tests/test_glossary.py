"""The glossary and the administrators' manual say what the screens say."""

import re

import pytest
from django.conf import settings
from django.utils import translation

from households.models import Household
from issues import workflow
from issues.models import Kind, Outcome, SpecialProject
from outreach.access import Role
from outreach.models import Unit
from visits import attempts

GLOSSARY = (settings.BASE_DIR / "docs/glossary.md").read_text(encoding="utf-8")
MANUAL = (settings.BASE_DIR / "docs/manual/系统管理.md").read_text(encoding="utf-8")
CHOICES = [
    Role,
    Unit.Kind,
    Household.RosterState,
    SpecialProject.State,
    workflow.State,
    Kind,
    Outcome,
    attempts.Outcome,
    attempts.State,
]


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices.__qualname__)
def test_glossary_has_every_word_of_the_screens(choices):
    with translation.override("zh-hans"):
        labels = [str(label) for label in choices.labels]
    assert [label for label in labels if label not in GLOSSARY] == []


def test_manual_lists_the_roles():
    table = MANUAL.split("| 角色 | 做什么 |")[1].split("\n\n")[0]
    with translation.override("zh-hans"):
        assert re.findall(r"^\| (\S+) \| ", table, re.MULTILINE)[1:] == [str(label) for label in Role.labels]


def test_manual_names_commands_that_exist():
    folders = [settings.BASE_DIR / app / "management/commands" for app in ("outreach", "issues")]
    commands = {path.stem for folder in folders for path in folder.glob("*.py")}
    assert set(re.findall(r"manage\.py (\w+)", MANUAL)) <= commands
