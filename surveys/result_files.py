"""Results as files: a workbook, a draft of a paper, and the answers one by one as a stream."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from households.exports import neutral
from outreach import audit, papers, workbooks
from outreach.models import Unit, User
from surveys import results
from surveys.answers import is_declined
from surveys.models import AgeBand, Channel, Response, Round, Sex
from surveys.questionnaire import Item, Kind
from surveys.results import Figure, Measure
from surveys.suppression import MINIMUM

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
THIN = Side(style="thin")
CHUNK = 2000


def shown(figure: Figure, unit: str = "%") -> str:
    """Return a figure as a text: 86.50%（82.10–90.03）, or that it is hidden."""
    if figure.is_hidden:
        return f"不足{MINIMUM}人，不显示"
    return "—" if figure.value is None else f"{figure.value}{unit}（{figure.low}–{figure.high}）"


def _tables(survey_round: Round, place: Unit) -> tuple[results.Counts, dict[str, Measure], list[results.Distribution]]:
    counts = results.read(survey_round, place=place)
    content = survey_round.version.parsed
    return counts, results.measures(content), counts.distributions(content)


def export_workbook(*, survey_round: Round, place: Unit, by: User) -> tuple[bytes, str]:
    """Return the .xlsx with its content type: 得分, 各题, 各单位; and note in the audit trail who took it."""
    counts, known, items = _tables(survey_round, place)
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "得分"
    title = f"{survey_round.name}测评结果（{place.name}）"
    heads = ["指标", "样本数", "数值", "95%下限", "95%上限", "口径"]
    rows = [[one.label, *_numbers(counts.figure(one)), one.definition] for one in known.values()]
    _sheet(sheet, title, survey_round, heads, rows, [40, 10, 12, 12, 12, 60])
    listed = []
    for each in items:
        for option in each.options:
            listed.append([each.text, option.label, *_numbers(option.figure)])
        if each.is_hidden:
            listed.append([each.text, "", *_numbers(results.HIDDEN)])
    heads = ["题目", "选项", "样本数", "占比（%）", "95%下限", "95%上限"]
    _sheet(book.create_sheet("各题"), title, survey_round, heads, listed, [50, 20, 10, 12, 12, 12])
    below = Unit.objects.filter(code__startswith=place.code, code__regex=rf"^.{{{len(place.code) + 3}}}$")
    names = dict(below.exclude(kind=Unit.Kind.DEPARTMENT).order_by("sort_order", "code").values_list("code", "name"))
    if known:
        first = next(iter(known.values()))
        lines = [
            [line.name, *_numbers(line.figure), f"{line.ranks[0]}–{line.ranks[1]}" if line.ranks else ""]
            for line in counts.by_unit(first, names)
        ]
        heads = ["单位", "样本数", first.label, "95%下限", "95%上限", "可能名次"]
        _sheet(book.create_sheet("各单位"), title, survey_round, heads, lines, [24, 10, 20, 12, 12, 12])
    out = io.BytesIO()
    book.save(out)
    with transaction.atomic():
        audit.record("survey.export_results", survey_round, by=by, unit=place.code, kind="xlsx")
    return out.getvalue(), WORKBOOK


def _numbers(figure: Figure) -> list[Any]:
    if figure.is_hidden:
        return [f"不足{MINIMUM}人", "不显示", "", ""]
    return [figure.n, *("—" if part is None else part for part in (figure.value, figure.low, figure.high))]


def _sheet(
    sheet: Any, title: str, survey_round: Round, heads: list[str], rows: list[list[Any]], widths: list[int]
) -> None:
    sheet.append([neutral(title)])
    sheet.append([f"测评时间：{survey_round.starts_on} 至 {survey_round.ends_on}    导出：{timezone.localdate()}"])
    sheet.append(heads)
    for row in rows:
        sheet.append([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    last = get_column_letter(len(heads))
    sheet.merge_cells(f"A1:{last}1")
    sheet.merge_cells(f"A2:{last}2")
    sheet["A1"].font, sheet["A1"].alignment = Font(name="宋体", size=16, bold=True), Alignment(horizontal="center")
    for row in sheet.iter_rows(min_row=3):
        for cell in row:
            cell.border = Border(THIN, THIN, THIN, THIN)
            cell.font = Font(name="宋体", size=11, bold=cell.row == 3)
            cell.alignment = Alignment(vertical="center", wrap_text=True)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A4"
    workbooks.print_landscape(sheet, head=3)


def export_paper(*, survey_round: Round, place: Unit, by: User) -> tuple[bytes, str]:
    """Return the draft as .docx with its content type, and note in the audit trail who took it."""
    counts, known, items = _tables(survey_round, place)
    paper = papers.Paper()
    paper.title(f"{place.name}“{survey_round.name}”测评情况")
    days = f"{papers.chinese_day(survey_round.starts_on)}至{papers.chinese_day(survey_round.ends_on)}"
    count = f"收回有效答卷{counts.respondents}份" if counts.respondents else f"收回答卷不足{MINIMUM}份，不显示结果"
    paper.say(f"{days}，采用“{survey_round.version.parsed.title}”开展测评，{count}。")
    paper.say("以下数值后括号内为95%置信区间；两个数值的区间重叠时，不宜断言高低。")
    paper.heading("一、总体得分")
    columns = [papers.Column("指标", 70, to_left=True), papers.Column("样本数", 22), papers.Column("数值", 64)]
    rows = [
        [one.label, "" if figure.is_hidden else str(figure.n), shown(figure, one.unit)]
        for one in known.values()
        if one.item == results.SCORE and (figure := counts.figure(one))
    ]
    paper.table("得分情况", columns, rows)
    paper.heading("二、各题情况")
    rows = [
        [each.text, "" if each.is_hidden else str(each.n), shown(each.main[1], each.main[0].unit)]
        for each in items
        if each.main
    ]
    paper.table("各题情况", columns, rows)
    paper.say("“数值”为选择较好选项（分值高于满分一半）者占作出回答者的比例；数字题为平均数。")
    with transaction.atomic():
        audit.record("survey.export_results", survey_round, by=by, unit=place.code, kind="docx")
    return paper.content(), papers.CONTENT_TYPE


# ---- the answers one by one


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def export_responses(*, survey_round: Round, place: Unit, by: User) -> Iterator[str]:
    """Return the answers as lines of .csv, in bounded memory; who took them is noted before the first line.

    In an order of chance, new each time, so that no order tells anything; without keys, villages, weeks or free text.
    Sex and age band are left out where fewer than 10 of the township share them, the township where fewer than 10
    answered in all.
    """
    with transaction.atomic():
        audit.record("survey.export_responses", survey_round, by=by, unit=place.code)
    return _lines(survey_round, place)


def _lines(survey_round: Round, place: Unit) -> Iterator[str]:
    items = [item for item in survey_round.version.parsed.items if item.kind != Kind.TEXT]
    writer = csv.writer(_Echo())
    columns = [column for item in items for column in _columns(item)]
    heads = ["乡镇（街道）", "渠道", "性别", "年龄段", "权重", *(label for _item, _row, label in columns)]
    yield "\ufeff" + str(writer.writerow([neutral(head) for head in heads]))
    rows = Response.objects.filter(round=survey_round, unit__code__startswith=place.code)
    groups = rows.order_by().annotate(township=Left("unit__code", 9)).values_list("township", "sex", "age_band")
    counts = {tuple(key): n for *key, n in groups.annotate(n=Count("pk"))}
    sums: dict[str, int] = {}
    for (township, _sex, _age), n in counts.items():
        sums[township] = sums.get(township, 0) + n
    names = dict(Unit.objects.filter(code__in=sums).values_list("code", "name"))
    channels, sexes, ages = dict(Channel.choices), dict(Sex.choices), dict(AgeBand.choices)
    for township, channel, sex, age, weight, given in _shuffled(survey_round, place):
        if counts.get((township, sex, age), 0) < MINIMUM:
            sex = age = ""
        name: str = names.get(township, "") if sums.get(township, 0) >= MINIMUM else ""
        cells = [name, str(channels.get(channel, "")), str(sexes.get(sex, "")), str(ages.get(age, ""))]
        values = [_cell(item, row, given.get(item.key)) for item, row, _label in columns]
        yield str(writer.writerow([*(neutral(cell) for cell in cells), f"{weight:.6g}", *map(neutral, values)]))


def _shuffled(survey_round: Round, place: Unit) -> Iterator[tuple[Any, ...]]:
    """Yield the rows through a cursor of the server's: a sort on its disk, a chunk in our memory."""
    statement = """
        SELECT left(u.code, 9), r.channel, r.sex, r.age_band, r.weight, r.answers
        FROM surveys_response r JOIN outreach_unit u ON u.id = r.unit_id
        WHERE r.round_id = %s AND u.code LIKE %s
        ORDER BY md5(r.id::text || %s)
    """
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, [survey_round.pk, f"{place.code}%", secrets.token_hex(16)])
        while rows := cursor.fetchmany(CHUNK):
            for *plain, answers in rows:
                yield (*plain, answers if isinstance(answers, dict) else json.loads(answers))


def _columns(item: Item) -> list[tuple[Item, str, str]]:
    if item.kind == Kind.MATRIX:
        return [(item, row.key, f"{item.text}：{row.label}") for row in item.rows]
    return [(item, "", item.text)]


def _cell(item: Item, row: str, answer: Any) -> str:
    if answer is None:
        return ""
    if is_declined(answer):
        return _("Don't know") if answer["declined"] == "dont_know" else _("No answer")
    labels = {option.code: option.label for option in item.options}
    if row:
        return _cell(item, "", answer.get(row)) if isinstance(answer, dict) else ""
    if isinstance(answer, list):
        return "；".join(str(labels.get(code, code)) for code in answer)
    return str(labels.get(answer, answer))
