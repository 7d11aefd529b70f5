"""What a bulletin says: pure, from figures made up here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from reports.bulletins import content
from reports.bulletins.content import Edition, Group, Line, Rules


def line(name, rank, score, **more) -> Line:
    return Line(code=name, name=name, rank=rank, score=None if score is None else Decimal(score), **more)


TOWNSHIPS = Group(
    "镇街",
    (
        line("青溪镇", 1, "96.50", to_visit=100, covered=97, coverage=Decimal("97.00"), moved=1, was=2, held_overdue=0),
        line("白鹭镇", 2, "93.00", to_visit=90, covered=70, coverage=Decimal("77.78"), moved=-1, was=1, held_overdue=0),
        line("云台镇", 3, "90.00", to_visit=80, covered=60, coverage=Decimal("75.00"), moved=0, was=3, held_overdue=2),
        line("石门镇", 4, "88.00", to_visit=70, covered=40, coverage=Decimal("57.14"), held_overdue=0),
        line("河口镇", 5, "80.00", to_visit=60, covered=30, coverage=Decimal("50.00"), moved=-4, was=1, held_overdue=5,
             overdue_numbers=("N1", "N2", "N3", "N4", "N5")),
        line("龙潭镇", 6, "71.00", to_visit=50, covered=20, coverage=Decimal("40.00"), moved=0, was=6, held_overdue=1),
        line("竹山乡", None, None, to_visit=0, covered=0, held_overdue=0),
    ),
)  # fmt: skip
TOTAL = Line(
    "439900",
    "星河区",
    to_visit=450,
    covered=317,
    coverage=Decimal("70.44"),
    raised=40,
    solved=30,
    overdue=8,
    solution=Decimal("88.24"),
    content=Decimal("95.00"),
)
EDITION = Edition("星河区", "群众工作", None, date(2026, 4, 7), (TOWNSHIPS,), TOTAL)
OFF = Rules(lowest=0, overdue=0, fallen=0)


def test_the_overview_says_totals_and_change_in_percentage_points():
    before = replace(TOTAL, coverage=Decimal("68.00"), solution=Decimal("90.00"), content=Decimal("95.00"))
    told = content.overview(replace(EDITION, before=before, before_last=date(2026, 3, 31)))
    assert "截至2026年4月7日，全区应访450户，已访317户，入户率70.44%，较上期提升2.44个百分点（上期截至3月31日）" in told
    assert "问题解决率88.24%，较上期下降1.76个百分点；超期未办结8件" in told
    assert "回访群众满意率95.00%，较上期持平" in told
    assert "镇街排名靠前的是青溪镇（96.50分）、白鹭镇（93.00分）、云台镇（90.00分）" in told


def test_without_earlier_scores_nothing_is_compared():
    told = content.overview(EDITION)
    assert "较上期" not in told and "个百分点" not in told
    assert content.row(TOWNSHIPS.lines[3])[-1] == "—"


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (OFF, []),
        (replace(OFF, lowest=2), ["河口镇", "龙潭镇"]),
        (replace(OFF, lowest=20), ["河口镇", "龙潭镇"]),  # never more than a third of the ranked
        (replace(OFF, overdue=2), ["河口镇", "云台镇"]),
        (replace(OFF, fallen=1), ["河口镇", "白鹭镇"]),
        (replace(OFF, fallen=4), ["河口镇"]),
        (replace(OFF, coverage_floor=Decimal("57.14")), ["河口镇", "龙潭镇"]),
    ],
)
def test_each_rule_names_its_units_and_no_other(rules, named):
    found = content.findings(EDITION, rules)
    assert [unit.name for finding in found for unit, _text in finding.said] == named


def test_units_that_share_the_edge_of_the_lowest_are_not_told_apart():
    lines = tuple(replace(unit, rank=min(unit.rank, 5)) for unit in TOWNSHIPS.lines[:6])
    assert content.lowest(Group("镇街", lines), 1) == []
    assert [unit.name for unit in content.lowest(Group("镇街", lines), 2)] == ["河口镇", "龙潭镇"]


def test_a_finding_states_figures_and_issues_by_number_alone():
    told = content.problems(content.findings(EDITION, replace(OFF, overdue=1, coverage_floor=Decimal("50.5"))))
    assert told.splitlines()[0].startswith(
        "（一）部分单位入户进度偏慢，低于50.5%。河口镇入户率50.00%（应访60户、已访30户）"
    )
    assert "（二）部分问题超期未办结。河口镇5件（问题编号N1、N2等）；云台镇2件；龙潭镇1件。" in told


def test_nothing_found_is_said():
    assert content.problems([]) == "按本期通报规则，没有需要点名通报的单位。"


def test_what_names_a_unit_is_found_again_in_the_edited_text():
    text = "（一）部分问题超期未办结。区水利局3件；区水利局工程队1件。\n白鹭镇进度慢。"
    said = content.sentences(text)
    names = ["区水利局", "区水利局工程队", "白鹭镇", "青溪镇"]
    assert content.about("区水利局", said, names) == ["部分问题超期未办结：区水利局3件"]
    assert content.about("区水利局工程队", said, names) == ["部分问题超期未办结：区水利局工程队1件"]
    assert content.about("白鹭镇", said, names) == ["白鹭镇进度慢"]
    assert content.about("青溪镇", said, names) == []


def test_a_number_typed_by_hand_is_pointed_out_and_the_scores_own_are_not():
    body = content.body(EDITION, Rules(), "")
    assert content.strange_numbers([body["overview"], body["problems"]], EDITION, Rules()) == []
    changed = body["overview"].replace("70.44%", "79.44%")
    assert content.strange_numbers([changed], EDITION, Rules()) == ["79.44%"]


def test_departments_show_dashes_where_they_have_no_households():
    row = content.row(Line("439900D08", "区交通运输局", rank=1, score=Decimal("95"), raised=3, solution=None))
    assert row == ["1", "区交通运输局", "—", "—", "—", "3", "—", "—", "95.00", "—"]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("circular", "关于群众工作\n走访入户和问题办理情况的通报"),
        ("daily", "群众工作工作日报\n（2026年4月7日）"),
        ("monthly", "群众工作工作月报\n（2026年4月）"),
        ("yearly", "2026年群众工作\n走访入户和问题办理工作总结"),
    ],
)
def test_titles_name_campaign_and_period_without_zeros(kind, title):
    assert content.title(EDITION, kind) == title


def test_numerals():
    assert [content.numeral(number) for number in (1, 10, 11, 20, 35)] == ["一", "十", "十一", "二十", "三十五"]


def test_plain_text_has_every_part_and_every_unit():
    told = content.as_text(
        "关于群众工作\n情况的通报", content.body(EDITION, Rules(), "（一）抓紧。"), EDITION, kind="yearly"
    )
    assert told.startswith("关于群众工作情况的通报\n")
    assert all(
        part in told for part in ("一、总体情况", "二、各单位情况", "三、存在问题", "四、下步打算", "（一）抓紧。")
    )
    assert "1. 青溪镇 得分96.50 入户率97.00% 较上期↑1位" in told and "竹山乡" in told
