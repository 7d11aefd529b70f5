"""Write the generated part of docs/manual/问题办理.md from workflow.MOVES, or check that it is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from issues.workflow import ENDED_STATES, MOVES, Move, Side, State, Told
from outreach.access import ROLE_PERMISSIONS, Role

PAGE = Path("docs/manual/问题办理.md")
BEGIN, END = "<!-- generated: manage.py issue_manual -->", "<!-- end of generated -->"
# The manual is Chinese, as its readers are; it is no text of the interface.
SIDES = {
    Side.AREA: "问题所在地的单位及其上级，或承办单位的上级",
    Side.HOLDER: "承办单位本身",
    Side.ABOVE: "承办单位的上级",
    Side.HELPER: "被请求协办、尚未答复的单位",
    Side.READER: "看得到该问题的人",
    Side.NOT_HOLDER: "看得到该问题、但没有办理它的单位；申报办结的本人换岗位也不行",
}
FIELDS = {
    "unit": "单位",
    "note": "说明",
    "outcome": "办理结果",
    "reason": "原因",
    "workdays": "延长的工作日",
    "until": "暂停到哪天",
    "to_whom": "上报给谁",
    "main": "并入的问题编号",
}
TOLD = {
    Told.HOLDER: "承办单位",
    Told.BEFORE: "原承办单位",
    Told.ABOVE: "承办单位的上级",
    Told.VERIFIERS: "核实和销号的单位",
    Told.HELPERS: "协办单位",
    Told.RECORDER: "登记人（首问负责）",
    Told.RESIDENT: "群众",
}


def generated() -> str:
    """Return the diagram and the table of moves, in Chinese."""
    with translation.override("zh-hans"):
        return "\n".join([BEGIN, "", *diagram(), "", *table(), "", END])


def diagram() -> list[str]:
    """The states and moves as a Mermaid diagram."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state.label}" as {state.value}' for state in State]
    lines += ["    [*] --> new: 登记（没有匹配的规则）", "    [*] --> assigned: 登记（规则确定了承办单位）"]
    for move in MOVES:
        lines += [f"    {source.value} --> {target.value}: {move.label}" for source, target in arrows(move)]
    return [*lines, *(f"    {state.value} --> [*]" for state in ENDED_STATES), "```"]


def arrows(move: Move) -> list[tuple[State, State]]:
    """The changes of state a move makes."""
    return [(source, target) for source in move.sources for target in move.targets() if source != target]


def table() -> list[str]:
    """The moves as a table: from, to, who, what must be filled in."""
    heads = ["步骤", "从", "到", "哪些岗位", "站在哪一方", "必填", "前提", "时限", "告知谁"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    return lines + [f"| {' | '.join(cells(move))} |" for move in MOVES]


def cells(move: Move) -> list[str]:
    """One move as the cells of its row."""
    roles = [str(Role(role).label) for role, permissions in ROLE_PERMISSIONS.items() if move.permission in permissions]
    return [
        str(move.label),
        "、".join(str(source.label) for source in move.sources),
        "回到原状态" if move.back else str(move.target.label) if move.target else "不变",
        "、".join(roles),
        SIDES[move.side],
        "、".join(FIELDS[name] for name in move.required) or "—",
        "；".join(str(guard.label) for guard in move.guards) or "—",
        str(move.clock.label) if move.clock else "—",
        "、".join(TOLD[told] for told in move.tell) or "—",
    ]


class Command(BaseCommand):
    """Keeps the manual in step with the table."""

    help = "Write the generated part of the manual of issues; with --check, fail where it is out of date."

    def add_arguments(self, parser: CommandParser) -> None:
        """--check writes nothing."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail where the manual is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace what stands between the two marks."""
        path = Path(settings.BASE_DIR) / PAGE
        text = path.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        wanted = before + generated() + after
        if wanted == text:
            return
        if options["check"]:
            raise CommandError(f"{PAGE} is out of date. Run: manage.py issue_manual")
        path.write_text(wanted, encoding="utf-8")
