"""The supervision letter (督办单) as .docx, drafted by the program: number, signer, seal and date are left blank. It
names no resident."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils import timezone
from django.utils.translation import override

from issues.models import Issue
from outreach.models import Unit
from outreach.papers import Paper, chinese_day


def supervision_letters(issues: Iterable[Issue], *, unit: Unit, today: date) -> bytes:
    """Return a .docx with a letter of `unit` for each of `issues` (`columns.load_progress` applied), each on a page of
    its own."""
    paper = Paper()
    with override("zh-hans"):
        for position, issue in enumerate(issues):
            letter(paper, issue, unit=unit, today=today, on_new_page=position > 0)
    return paper.content()


def letter(paper: Paper, issue: Issue, *, unit: Unit, today: date, on_new_page: bool) -> None:
    """Add the letter of one issue."""
    paper.mark(on_new_page=on_new_page)
    paper.title("群众反映问题督办单")
    paper.line("督〔　　　　〕　　号", align="center")
    paper.blank()
    paper.line(f"{issue.unit.name}：")
    paper.say("群众反映的下列问题由你单位承办，现予督办，请抓紧办理。")
    paper.heading("一、问题情况")
    category = issue.category
    path = f"{category.parent.name}／{category.name}" if category.parent else category.name
    place = f"{issue.place.parent.name}{issue.place.name}" if len(issue.place.code) > 9 and issue.place.parent else ""
    paper.say(f"问题编号：{issue.number}")
    paper.say(f"登记日期：{chinese_day(timezone.localdate(issue.recorded_at))}")
    paper.say(f"发生地点：{place or issue.place.name}")
    paper.say(f"问题类别：{path}（{issue.get_kind_display()}{'，紧急' if issue.is_urgent else ''}）")
    for at, line in enumerate(issue.text.splitlines() or [""]):
        paper.say(f"反映内容：{line}" if at == 0 else line)
    paper.heading("二、办理情况")
    for line in standing(issue, today):
        paper.say(line)
    paper.heading("三、督办要求")
    paper.say("请于　　　　年　　月　　日前办结，并将办理结果书面报告；确不能按期办结的，说明原因和下步措施。")
    paper.hold()
    paper.blank()
    for line in ("签发人：　　　　　　　　", f"{unit.name}（印章）", "　　　　年　　月　　日"):
        paper.hold()
        paper.sign(line)


def standing(issue: Issue, today: date) -> list[str]:
    """Where the issue stands, in sentences."""
    lines = []
    if issue.dispatched_at:
        lines.append(f"交办日期：{chinese_day(timezone.localdate(issue.dispatched_at))}")
    late = issue.days_late(today)
    overdue = f"，截至{chinese_day(today)}已超期{late}天" if late > 0 and issue.is_running else ""
    lines.append(f"办理期限：{chinese_day(issue.due_on)}{overdue}")
    lines.append(f"当前状态：{issue.get_state_display()}")
    if issue.redos or issue.returns:
        lines.append(f"退回重办{issue.redos}次，退单{issue.returns}次。")
    progress = getattr(issue, "latest_progress", None) or issue.result
    lines.append(f"已报进展：{progress}" if progress else "承办单位尚未报告进展。")
    return lines
