"""Scores worked out by hand, rule by rule; and what must hold whatever the scheme and the figures."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from reports.schemes import (
    COUNT,
    DOWN,
    POINTS,
    STARTED,
    Group,
    Item,
    Line,
    Linear,
    Lists,
    Part,
    PerCase,
    PerPoint,
    SchemeContent,
    Steps,
    Yellow,
    canonical,
)
from reports.scoring import Adjustment, Reading, Scoreboard, UnitReadings, score, yellow_cards

D = Decimal
TOWNSHIPS = Group("townships", "镇街", "township")


def rate(hits: int | str, cases: int) -> Reading:
    return Reading(D(hits), D(cases), (100 * D(hits) / D(cases)).quantize(D("0.01")) if cases else None)


def points(value: str, checks: int = 1) -> Reading:
    return Reading(D(value), D(checks), D(value))


def unit(code: str = "439900101", order: int = 1, group: str = "townships", **rest) -> UnitReadings:
    readings = rest.pop("readings", {})
    return UnitReadings(code, f"单位{code}", order, group, readings, **rest)


def scheme(*lines: Line, **rest) -> SchemeContent:
    """A scheme for townships whose lines make 100 marks: what is missing is given by a line of points."""
    gap = 100 - sum(line.weight for line in lines)
    if gap and not rest.get("parts"):
        lines = (*lines, Line("rest", "rest", "其他", D(gap), Linear(D(0), D(100)), measure=POINTS, min_denominator=1))
    content = SchemeContent(groups=rest.pop("groups", (TOWNSHIPS,)), lines=lines, **rest)
    assert content.problems() == []
    return content


def one(content: SchemeContent, /, **readings: Reading):
    """The score of the one unit with these readings."""
    return score(content, [unit(readings=readings)]).groups[0].units[0]


def words(line) -> list[str]:
    return [step.msgid % step.params for step in line.steps]


# ---- rules


def test_linear_gives_marks_in_proportion_between_zero_and_full_points():
    content = scheme(Line("cover", "coverage", "入户率", D(20), Linear(D(60), D(95))))
    line = one(content, coverage=rate(81, 100), rest=points("50")).line("cover")
    assert line.marks == D("12.00")  # (81 − 60) ÷ 35 × 20
    assert words(line) == ["81 ÷ 100 = 81 %", "(81 − 60) ÷ (95 − 60) × 20 = 12"]
    assert one(content, coverage=rate(95, 100), rest=points("50")).line("cover").marks == 20
    assert one(content, coverage=rate(60, 100), rest=points("50")).line("cover").marks == 0
    assert one(content, coverage=rate(10, 100), rest=points("50")).line("cover").marks == 0


def test_linear_of_a_rate_where_lower_is_better_runs_the_other_way():
    content = scheme(Line("back", "returned", "退回不当率", D(10), Linear(D(20), D(0)), direction=DOWN))
    assert one(content, returned=rate(1, 20), rest=points("0")).line("back").marks == D("7.50")  # 5 %: 15 ÷ 20 × 10
    assert one(content, returned=rate(4, 20), rest=points("0")).line("back").marks == 0
    assert one(content, returned=rate(0, 20), rest=points("0")).line("back").marks == 10


def test_steps_give_the_marks_of_the_best_step_reached():
    rule = Steps(((D(95), D(10)), (D(90), D(8)), (D(85), D(5))))
    content = scheme(Line("met", "met", "见面率", D(10), rule))
    for hits, marks in ((95, 10), (94, 8), (90, 8), (85, 5), (84, 0)):
        assert one(content, met=rate(hits, 100), rest=points("0")).line("met").marks == marks


def test_points_below_floors_cost_by_stretches():
    rule = PerPoint(((D(96), D("0.25")), (D(90), D("0.5"))))
    content = scheme(Line("safe", "safety", "安全感", D(5), rule))
    line = one(content, safety=rate(880, 1000), rest=points("0")).line("safe")
    assert line.marks == D("2.50")  # 6 × 0.25 + 2 × 0.5 = 2.5 off
    assert words(line)[1:] == [
        "From 96 down to 90: 6 points × 0.25 = 1.5 off",
        "From 90 down to 88: 2 points × 0.5 = 1 off",
        "5 − 2.5 = 2.5",
    ]
    assert one(content, safety=rate(955, 1000), rest=points("0")).line("safe").marks == D("4.88")  # 0.125 off
    assert one(content, safety=rate(960, 1000), rest=points("0")).line("safe").marks == 5
    assert one(content, safety=rate(700, 1000), rest=points("0")).line("safe").marks == 0  # 1.5 + 10 off, of 5


def test_points_below_floors_cost_the_lowest_floor_s_price_where_the_scheme_says_so():
    rule = PerPoint(((D(96), D("0.25")), (D(90), D("0.5"))), whole=True)
    content = scheme(Line("safe", "safety", "安全感", D(5), rule))
    assert one(content, safety=rate(880, 1000), rest=points("0")).line("safe").marks == 1  # 8 × 0.5 off
    assert one(content, safety=rate(900, 1000), rest=points("0")).line("safe").marks == D("3.50")  # 6 × 0.25 off


def test_points_are_counted_whole_or_started_where_the_scheme_says_so():
    for counting, marks in (("full", D("4.75")), (STARTED, D("4.50")), ("exact", D("4.60"))):
        rule = PerPoint(((D(96), D("0.25")),), counting=counting)
        content = scheme(Line("safe", "safety", "安全感", D(5), rule))
        assert one(content, safety=rate(944, 1000), rest=points("0")).line("safe").marks == marks  # 1.6 points


def test_cases_cost_marks_and_twice_where_unfixed_at_the_re_check():
    line = Line(
        "found",
        "found",
        "检查发现问题",
        D(20),
        PerCase(D("0.5"), unfixed="unfixed", factor=D(2)),
        measure=COUNT,
        direction=DOWN,
        min_denominator=0,
    )
    result = one(scheme(line), found=Reading(7, 0, None), unfixed=Reading(2, 0, None), rest=points("0")).line("found")
    assert result.marks == D("15.50")  # 20 − 7 × 0.5 − 2 × 0.5
    assert "Of these not put right at the re-check, counted 2 times: 2 × 0.5 × (2 − 1) = another 1 off" in words(result)
    assert one(scheme(line), found=Reading(99, 0, None), rest=points("0")).line("found").marks == 0


def test_floor_and_cap_hold_a_line():
    content = scheme(Line("cover", "coverage", "入户率", D(20), Linear(D(60), D(95)), floor=D(4), cap=D(18)))
    assert one(content, coverage=rate(10, 100), rest=points("0")).line("cover").marks == 4
    assert one(content, coverage=rate(99, 100), rest=points("0")).line("cover").marks == 18


def test_a_line_without_marks_takes_off_the_total_and_no_more_than_its_limit():
    rule = PerPoint(((D(96), D("0.25")), (D(90), D("0.5"))))
    off = Line("safe", "safety", "安全感", D(0), rule, most_off=D(3))
    content = scheme(off)
    result = one(content, safety=rate(880, 1000), rest=points("80"))
    assert (result.total, result.line("safe").marks, result.line("safe").kind) == (D("77.50"), D("-2.50"), "off")
    assert one(content, safety=rate(500, 1000), rest=points("80")).total == 77
    assert one(content, rest=points("80")).total == 80  # nothing to judge by: nothing off


# ---- the whole


def default() -> SchemeContent:
    return scheme(
        Line("a", "a", "甲", D(20), Linear(D(0), D(100))),
        Line("b", "b", "乙", D(30), Linear(D(0), D(100))),
        Line("c", "c", "丙", D(50), Linear(D(0), D(100))),
    )


def test_the_total_is_the_sum_of_the_lines_as_shown():
    result = one(default(), a=rate(1, 30), b=rate(2, 30), c=rate(29, 30))
    assert [line.marks for line in result.lines] == [D("0.67"), D("2.00"), D("48.34")]  # of 3.33, 6.67, 96.67 %
    assert result.total == D("51.01")


def test_the_marks_of_a_line_not_counted_are_shared_out_in_proportion():
    result = one(default(), a=rate(8, 9), b=rate(15, 30), c=rate(20, 20))  # 9 cases are too few
    assert result.line("a").marks is None and result.line("a").effective_weight == 0
    assert (result.line("b").effective_weight, result.line("c").effective_weight) == (D("37.50"), D("62.50"))
    assert result.total == D("81.25")  # 18.75 + 62.50
    assert words(result.line("a")) == [
        "8 ÷ 9 = 88.89 %",
        "Not counted: 9 cases are fewer than the 10 that a judgement needs.",
        "Its 20 marks are shared out among the other lines.",
    ]
    assert words(result.line("b"))[-2:] == [
        "With what other lines left: 37.5 marks instead of 30",
        "15 × 37.5 ÷ 30 = 18.75",
    ]


def test_a_unit_of_which_too_little_is_counted_has_a_total_and_no_rank():
    board = score(default(), [unit(readings={"a": rate(20, 20)}), unit("439900102", 2, readings={"c": rate(1, 20)})])
    ranked, unranked = board.groups[0].units
    assert (ranked.code, ranked.total, ranked.rank) == ("439900102", 5, 1)
    assert (unranked.total, unranked.rank, unranked.band) == (100, None, 0)


def test_a_unit_without_any_reading_has_no_total():
    result = one(default())
    assert (result.total, result.rank, result.mark) == (None, None, "")


def month() -> SchemeContent:
    parts = (Part("field", "实地", D(60)), Part("covert", "暗访", D(30)), Part("opinion", "民意", D(10)))
    lines = [
        Line(p.key, p.key, p.name, D(100), Linear(D(0), D(100)), measure=POINTS, part=p.key, min_denominator=1)
        for p in parts
    ]
    return scheme(*lines, parts=parts, lists=Lists(D(90), D(85), needs="field"), yellow=Yellow(D(85), 2))


def test_a_month_is_60_30_10_times_difficulty():
    board = score(
        month(),
        [
            unit(readings={"field": points("90"), "covert": points("80"), "opinion": points("70")}),
            unit(
                "439900102",
                2,
                readings={"field": points("90"), "covert": points("80"), "opinion": points("70")},
                difficulty=D("1.1"),
            ),
        ],
    )
    hard, plain = board.groups[0].units
    assert plain.total == 85 and [line.marks for line in plain.lines] == [54, 24, 7]
    assert hard.total == D("93.50") and hard.line("*difficulty").marks == D("8.50")
    assert (hard.mark, plain.mark) == ("red", "")


def test_a_part_without_figures_leaves_its_share_to_the_other_parts():
    result = one(month(), field=points("90"), covert=points("75"))
    assert [line.effective_weight for line in result.lines] == [D("66.67"), D("33.33"), 0]
    assert result.total == D("85.00")  # 60.00 + 25.00


def test_red_and_black_lists_and_neither_for_who_was_not_checked():
    board = score(
        month(),
        [
            unit("439900101", 1, readings={"field": points("90"), "covert": points("90"), "opinion": points("90")}),
            unit("439900102", 2, readings={"field": points("84"), "covert": points("84"), "opinion": points("90")}),
            unit("439900103", 3, readings={"field": points("85"), "covert": points("85"), "opinion": points("85")}),
            unit("439900104", 4, readings={"covert": points("10"), "opinion": points("10")}),
        ],
    )
    assert [(each.code[-1], each.mark) for each in board.groups[0].units] == [
        ("1", "red"),
        ("3", ""),
        ("2", "black"),
        ("4", ""),
    ]


def test_a_yellow_card_follows_two_low_months_running():
    def board(*totals: str | None) -> Scoreboard:
        units = [
            unit(f"43990010{index}", index, readings={key: points(total) for key in ("field", "covert", "opinion")})
            if total
            else unit(f"43990010{index}", index)
            for index, total in enumerate(totals, 1)
        ]
        return score(month(), units)

    months = [board("80", "80", "90", "70"), board("84.9", "85", "80", None), board("80", "80", "80", "70")]
    assert yellow_cards(month(), months) == {"439900101": 3, "439900103": 2}
    assert yellow_cards(month(), months[:1]) == {}
    assert yellow_cards(default(), months) == {}


def test_bonus_and_deductions_keep_to_the_caps_of_the_item_and_of_all_together():
    content = replace(
        scheme(),
        items=(
            Item("paper", "经验推广", "bonus", cap=D(3)),
            Item("praise", "群众表扬", "bonus"),
            Item("late", "迟报", "deduction", cap=D(2), unfixed_factor=D(2)),
        ),
        bonus_cap=D(5),
    )
    entries = (
        Adjustment("paper", D(2), "省级", 1),
        Adjustment("paper", D(2), "市级", 2),
        Adjustment("praise", D("2.5"), "锦旗", 3),
        Adjustment("late", D("0.5"), "第一次", 4, unfixed=True),
        Adjustment("late", D("0.3"), "第二次", 5),
        Adjustment("gone", D(50), "不在本办法内", 6),
    )
    result = score(content, [unit(readings={"rest": points("90")}, adjustments=entries)]).groups[0].units[0]
    assert {line.key: line.marks for line in result.lines} == {
        "rest": 90,
        "+paper": 3,
        "+praise": D("2.5"),
        "*bonus_cap": D("-0.5"),
        "+late": D("-1.30"),
    }
    assert result.total == D("93.70")
    assert words(result.line("+late")) == [
        "No. 4: 0.5 × 2 (not put right at the re-check) = 1 — 第一次",
        "No. 5: 0.3 — 第二次",
    ]


def test_deductions_never_bring_a_total_below_zero():
    content = replace(scheme(), items=(Item("bad", "重大事件", "deduction"),))
    result = (
        score(content, [unit(readings={"rest": points("20")}, adjustments=(Adjustment("bad", D(30), "", 1),))])
        .groups[0]
        .units[0]
    )
    assert (result.total, result.line("*limit").marks) == (0, 10)
    assert sum(line.marks for line in result.lines) == result.total


# ---- ranks, groups, bands


def ranked(board: Scoreboard) -> list[tuple[str, int | None]]:
    return [(each.code, each.rank) for each in board.groups[0].units]


def test_equal_totals_share_a_rank_in_official_order_and_the_next_skips():
    units = [
        unit("439900103", 3, readings={"rest": points("80")}),
        unit("439900104", 1, readings={"rest": points("90")}),
        unit("439900101", 4, readings={"rest": points("90")}),
        unit("439900102", 2, readings={"rest": points("70.001")}),
    ]
    expected = [("439900104", 1), ("439900101", 1), ("439900103", 3), ("439900102", 4)]
    assert ranked(score(scheme(), units)) == expected
    assert ranked(score(scheme(), units[::-1])) == expected


def test_groups_are_ranked_apart_and_villages_inside_their_township():
    villages = Group("villages", "村（社区）", "village", within_township=True)
    law = Group("law", "政法单位", "department", codes=("439900D01", "439900D02"))
    rest = Group("departments", "区直部门", "department")
    content = scheme(groups=(TOWNSHIPS, law, rest, villages))
    assert content.group_of("439900D02", "department") == law
    assert content.group_of("439900D09", "department") == rest
    assert content.group_of("439900101", "township") == TOWNSHIPS
    value = {"rest": points("80")}
    board = score(
        content,
        [
            unit("439900102201", 9, "villages", readings=value, within="439900102", within_name="白鹭镇"),
            unit("439900101201", 8, "villages", readings=value, within="439900101", within_name="青溪镇"),
            unit("439900D09", 7, "departments", readings=value),
            unit("439900D02", 6, "law", readings=value),
            unit("439900101", 1, readings=value),
            unit("439900999", 1, "elsewhere", readings=value),
        ],
    )
    assert [(group.key, group.name, [each.rank for each in group.units]) for group in board.groups] == [
        ("townships", "镇街", [1]),
        ("law", "政法单位", [1]),
        ("departments", "区直部门", [1]),
        ("villages:439900101", "村（社区） · 青溪镇", [1]),
        ("villages:439900102", "村（社区） · 白鹭镇", [1]),
    ]


def test_units_that_cannot_be_told_apart_share_a_band():
    content = scheme(Line("content", "content", "满意率", D(100), Linear(D(0), D(100))))
    few = score(content, [unit(f"43990010{i}", i, readings={"content": rate(h, 200)}) for i, h in ((1, 180), (2, 176))])
    assert [(each.rank, each.band, each.rank_from, each.rank_to) for each in few.groups[0].units] == [
        (1, 1, 1, 2),
        (2, 1, 1, 2),
    ]
    many = score(
        content,
        [
            unit(f"43990010{i}", i, readings={"content": rate(h, 20000)})
            for i, h in ((1, 18000), (2, 17600), (3, 17590))
        ],
    )
    assert [(each.rank, each.band, each.rank_from, each.rank_to) for each in many.groups[0].units] == [
        (1, 1, 1, 1),
        (2, 2, 2, 3),
        (3, 2, 2, 3),
    ]


def test_a_rate_of_200_cases_at_90_percent_carries_its_interval():
    content = scheme(Line("content", "content", "满意率", D(100), Linear(D(0), D(100))))
    assert one(content, content=rate(180, 200)).line("content").interval == (D("85.06"), D("93.43"))


def test_a_board_comes_back_from_its_canonical_json_unchanged():
    content = month()
    units = [
        unit(
            f"43990010{i}",
            i,
            readings={"field": points("88.5"), "covert": points("81"), "opinion": points("7")},
            difficulty=D("1.05"),
            adjustments=(Adjustment("x", D(1), "n", 2),),
        )
        for i in range(1, 4)
    ]
    board = score(content, units)
    text = canonical(board.to_json())
    assert Scoreboard.from_json(json.loads(text)) == board
    assert canonical(Scoreboard.from_json(json.loads(text)).to_json()) == text
    again = [UnitReadings.from_json(json.loads(canonical(each.to_json()))) for each in units]
    assert again == units
    read = SchemeContent.from_json(json.loads(canonical(content.to_json())))
    assert read == content
    assert canonical(score(read, again).to_json()) == text


@pytest.mark.parametrize("number", ["0", "0.00", "-0.00", "10", "10.0", "1E+1"])
def test_a_decimal_has_one_text(number):
    from reports.schemes import text_of

    assert text_of(D(number)) in ("0", "10")
