"""What a bulletin says: pure functions from the figures of a snapshot to Chinese sentences. No database.

A bulletin is a Chinese paper whatever the language of the screen, so its words stand here and are not translated. It
names units, and issues by their number alone; never a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from outreach.papers import Column, chinese_day

NONE = "—"
CENT = Decimal("0.01")
# Overdue issues that a sentence names, of so many units; the annex has all.
MAX_NUMBERS, MAX_NUMBERED = 2, 3
NUMERALS = "一二三四五六七八九十"
SECTIONS = ("overview", "units", "problems", "demands")
COLUMNS = (
    Column("排名", 10),
    Column("单位", 29, to_left=True),
    Column("应访户", 14),
    Column("已访户", 14),
    Column("入户率", 16),
    Column("问题数", 13),
    Column("解决率", 16),
    Column("满意率", 16),
    Column("得分", 14),
    Column("较上期", 14),
)
LEAD = re.compile(rf"（[{NUMERALS}]{{1,3}}）[^。：:]{{0,40}}[。：:]?")
NUMBER = re.compile(r"(?<![A-Za-z0-9.-])\d[\d,]*(?:\.\d+)?%?(?![A-Za-z0-9-])")


@dataclass(frozen=True)
class Line:
    """A unit in a snapshot. Counts are None where the unit has no such duty (a department visits no households); rates
    are percentages with two decimals, None without a base. `moved`: places up since the snapshot before."""

    code: str
    name: str
    rank: int | None = None
    score: Decimal | None = None
    moved: int | None = None
    was: int | None = None  # its rank in the snapshot before
    to_visit: int | None = None
    covered: int | None = None
    coverage: Decimal | None = None
    raised: int | None = None
    solved: int | None = None
    overdue: int | None = None  # a place's: of what arose there; a department's: of what it holds, as its solution rate
    solution: Decimal | None = None
    content: Decimal | None = None
    held_overdue: int | None = None  # what the unit itself must act on: a township's villages hold for it
    overdue_numbers: tuple[str, ...] = ()  # of those held


@dataclass(frozen=True)
class Group:
    """Units ranked among themselves, in the order of their ranks."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Edition:
    """All figures of one bulletin."""

    district: str
    campaign: str
    first: date | None
    last: date
    groups: tuple[Group, ...]
    total: Line
    before: Line | None = None  # the district's total in the snapshot before
    before_last: date | None = None


@dataclass(frozen=True)
class Rules:
    """Which units 三、存在问题 names. 0 or None switches a rule off."""

    lowest: int = 3  # so many at the end of each group
    overdue: int = 1  # from so many overdue issues on
    fallen: int = 3  # from so many places lost on
    coverage_floor: Decimal | None = None
    solution_floor: Decimal | None = None
    content_floor: Decimal | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored: decimals as strings."""
        floors = {key: getattr(self, key) for key in FLOORS}
        return {
            "lowest": self.lowest,
            "overdue": self.overdue,
            "fallen": self.fallen,
            **{key: None if value is None else str(value) for key, value in floors.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        """What `to_json` wrote."""
        floors = {key: None if data.get(key) is None else Decimal(data[key]) for key in FLOORS}
        return cls(data["lowest"], data["overdue"], data["fallen"], **floors)


# floor → the rate it bounds, what is said of those below, the rate's name
FLOORS = {
    "coverage_floor": ("coverage", "部分单位入户进度偏慢", "入户率"),
    "solution_floor": ("solution", "部分单位问题解决率偏低", "问题解决率"),
    "content_floor": ("content", "部分单位群众满意率偏低", "群众满意率"),
}


@dataclass(frozen=True)
class Finding:
    """One rule and the units it names, each with its figures in words."""

    rule: str
    head: str
    said: tuple[tuple[Line, str], ...]

    def sentence(self, numeral: str) -> str:
        """（一）head。A…；B…。"""
        return f"（{numeral}）{self.head}。{'；'.join(text for _line, text in self.said)}。"


def headings(kind: str) -> tuple[str, str, str, str]:
    """The headings of the four parts, in the order of SECTIONS."""
    last = "四、下步打算" if kind == "yearly" else "四、下步要求"
    return ("一、总体情况", "二、各单位情况", "三、存在问题", last)


def numeral(number: int) -> str:
    """1 → 一, 12 → 十二, 20 → 二十, up to 99."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else f"{NUMERALS[tens - 1]}十") + (
        NUMERALS[ones - 1] if ones else ""
    )


def rate(numerator: int, denominator: int) -> Decimal | None:
    """Return the percentage with two decimals; None where there is nothing to judge by."""
    if denominator <= 0:
        return None
    return (Decimal(numerator * 100) / denominator).quantize(CENT, ROUND_HALF_UP)


def percent(value: Decimal | None) -> str:
    """81.00%, or a dash."""
    return NONE if value is None else f"{value.quantize(CENT, ROUND_HALF_UP)}%"


def mark(value: Decimal | None) -> str:
    """A score with two decimals, or a dash."""
    return NONE if value is None else str(value.quantize(CENT, ROUND_HALF_UP))


def count(value: int | None) -> str:
    """A count, or a dash where the unit has no such duty."""
    return NONE if value is None else str(value)


def movement(line: Line) -> str:
    """↑2位, ↓1位, 持平, or a dash where there is nothing to compare with."""
    if line.moved is None:
        return NONE
    return f"↑{line.moved}位" if line.moved > 0 else f"↓{-line.moved}位" if line.moved < 0 else "持平"


def change(now: Decimal | None, before: Decimal | None) -> str:
    """，较上期提升1.20个百分点; nothing where either is missing."""
    if now is None or before is None:
        return ""
    if now == before:
        return "，较上期持平"
    return f"，较上期{'提升' if now > before else '下降'}{abs(now - before).quantize(CENT)}个百分点"


def row(line: Line) -> list[str]:
    """The cells of a unit's row under COLUMNS."""
    return [
        count(line.rank),
        line.name,
        count(line.to_visit),
        count(line.covered),
        percent(line.coverage),
        count(line.raised),
        percent(line.solution),
        percent(line.content),
        mark(line.score),
        movement(line),
    ]


def total_row(edition: Edition) -> list[str]:
    """The district's own row, under the first group: its sums are counted, not added up from the rows."""
    return [NONE, "全区合计", *row(edition.total)[2:]]


def tables(edition: Edition) -> list[tuple[str, list[list[str]]]]:
    """Return (caption, rows) for each group; the first has the district's total in its last row."""
    found = []
    for at, group in enumerate(edition.groups):
        rows = [row(line) for line in group.lines]
        if at == 0:
            rows.append(total_row(edition))
        found.append((f"表{at + 1}　{group.name}情况", rows))
    return found


def title(edition: Edition, kind: str) -> str:
    """The title of a bulletin; the line break stands where a reader would make it."""
    last = edition.last
    if kind == "daily":
        return f"{edition.campaign}工作日报\n（{chinese_day(last)}）"
    if kind == "weekly":
        since = f"{chinese_day(edition.first)}至" if edition.first else "截至"
        return f"{edition.campaign}工作周报\n（{since}{last.month}月{last.day}日）"
    if kind == "monthly":
        return f"{edition.campaign}工作月报\n（{last.year}年{last.month}月）"
    if kind == "yearly":
        return f"{last.year}年{edition.campaign}\n走访入户和问题办理工作总结"
    return f"关于{edition.campaign}\n走访入户和问题办理情况的通报"


def overview(edition: Edition) -> str:
    """一、总体情况: the district's totals, their change, the first three of each group."""
    total, before = edition.total, edition.before
    was = before or Line(code="", name="")
    compared = f"（上期截至{edition.before_last.month}月{edition.before_last.day}日）" if edition.before_last else ""
    since = f"{chinese_day(edition.first)}至{chinese_day(edition.last)}" if edition.first else ""
    period = since or f"截至{chinese_day(edition.last)}"
    visits = (
        f"（一）走访入户。{period}，全区应访{count(total.to_visit)}户，已访{count(total.covered)}户，"
        f"入户率{percent(total.coverage)}{change(total.coverage, was.coverage)}{compared}。"
    )
    solved = (
        f"（二）问题办理。共收集群众反映问题{count(total.raised)}件，已解决{count(total.solved)}件，"
        f"问题解决率{percent(total.solution)}{change(total.solution, was.solution)}；"
        f"超期未办结{count(total.overdue)}件。"
    )
    if total.content is not None:
        solved += f"回访群众满意率{percent(total.content)}{change(total.content, was.content)}。"
    paragraphs = [visits, solved]
    best = [
        f"{group.name}排名靠前的是{'、'.join(f'{line.name}（{mark(line.score)}分）' for line in first_three(group))}"
        for group in edition.groups
        if first_three(group)
    ]
    if best:
        paragraphs.append(f"（三）考核排名。{'；'.join(best)}。")
    return "\n".join(paragraphs)


def first_three(group: Group) -> list[Line]:
    """Those on the first three ranks, of a group large enough to speak of a front."""
    ranked = [line for line in group.lines if line.rank is not None]
    return [line for line in ranked if line.rank and line.rank <= 3][:5] if len(ranked) > 3 else []


def units_note(edition: Edition) -> str:
    """二、各单位情况: what stands above the table."""
    return (
        "各单位走访入户、问题办理和考核得分情况见下表。问题办理情况镇街按发生地、部门按承办统计，解决率为已解决问题"
        "占已解决、解释理解、解释未认可和超期未办结问题之和的比例。同分同名次，“—”表示无此项任务、样本不足不计或无可比数据。"
    )


def findings(edition: Edition, rules: Rules) -> list[Finding]:
    """Return what the rules find, in the order of the bulletin; a rule that names nobody is left out."""
    found = []
    every = [line for group in edition.groups for line in group.lines]
    for rule, (key, head, name) in FLOORS.items():
        floor = getattr(rules, rule)
        if floor is not None:
            below = [line for line in every if (value := getattr(line, key)) is not None and value < floor]
            said = tuple((line, f"{line.name}{name}{percent(getattr(line, key))}{_parts(line, key)}") for line in below)
            found.append(Finding(rule, f"{head}，低于{plain(floor)}%", said))
    if rules.overdue:
        late = [line for line in every if (line.held_overdue or 0) >= rules.overdue]
        late.sort(key=lambda line: -(line.held_overdue or 0))
        found.append(Finding("overdue", "部分问题超期未办结", tuple(_overdue(late))))
    if rules.fallen:
        fell = [line for line in every if line.moved is not None and -line.moved >= rules.fallen]
        fell.sort(key=lambda line: line.moved or 0)
        said = tuple((line, f"{line.name}由第{line.was}名降至第{line.rank}名") for line in fell)
        found.append(Finding("fallen", "个别单位排名下滑明显", said))
    if rules.lowest:
        end = [(group, line) for group in edition.groups for line in lowest(group, rules.lowest)]
        said = tuple((line, f"{line.name}得{mark(line.score)}分，列{group.name}第{line.rank}名") for group, line in end)
        found.append(Finding("lowest", "部分单位得分靠后", said))
    return [finding for finding in found if finding.said]


def lowest(group: Group, wanted: int) -> list[Line]:
    """The last `wanted` of a group, never more than a third of it; equals of the highest of them are all left out:
    nothing tells them apart."""
    ranked = [line for line in group.lines if line.rank is not None]
    last = ranked[len(ranked) - min(wanted, len(ranked) // 3) :]
    edge = ranked[len(ranked) - len(last) - 1].rank if last and len(ranked) > len(last) else None
    return [line for line in last if line.rank != edge]


def _parts(line: Line, key: str) -> str:
    return f"（应访{line.to_visit}户、已访{line.covered}户）" if key == "coverage" else ""


def _overdue(late: Sequence[Line]) -> Iterable[tuple[Line, str]]:
    for at, line in enumerate(late):
        numbers = line.overdue_numbers[:MAX_NUMBERS] if at < MAX_NUMBERED else ()
        more = "等" if (line.held_overdue or 0) > len(numbers) else ""
        named = f"（问题编号{'、'.join(numbers)}{more}）" if numbers else ""
        yield line, f"{line.name}{line.held_overdue}件{named}"


def plain(value: Decimal) -> str:
    """A decimal without zeros behind: 60, 62.5."""
    return format(value.normalize(), "f")


def problems(found: Sequence[Finding]) -> str:
    """三、存在问题, a paragraph for each finding."""
    if not found:
        return "按本期通报规则，没有需要点名通报的单位。"
    return "\n".join(finding.sentence(numeral(at)) for at, finding in enumerate(found, 1))


def sentences(text: str) -> list[str]:
    """Cut 三、存在问题 into what it says of one unit each: "部分问题超期未办结：南坡镇3件"."""
    found = []
    for paragraph in paragraphs(text):
        lead, rest = split_lead(paragraph)
        head = lead.partition("）")[2].rstrip("。：:")
        pieces = [piece.strip() for piece in re.split("[；。;]", rest) if piece.strip()]
        found += [f"{head}：{piece}" if head else piece for piece in pieces]
    return found


def about(name: str, said: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the sentences that name a unit; 水利局 is not named where only 水利局工程队 is."""
    longer = [other for other in names if name in other and other != name]
    found = []
    for sentence in said:
        rest = sentence
        for other in longer:
            rest = rest.replace(other, "")
        if name in rest:
            found.append(sentence)
    return found


def body(edition: Edition, rules: Rules, demands: str) -> dict[str, str]:
    """Return the text of every section as the program proposes it."""
    return {
        "overview": overview(edition),
        "units": units_note(edition),
        "problems": problems(findings(edition, rules)),
        "demands": demands,
    }


def split_lead(paragraph: str) -> tuple[str, str]:
    """Split （一）… up to its first stop from the rest; ("", paragraph) where it begins otherwise."""
    found = LEAD.match(paragraph)
    return (found.group(), paragraph[found.end() :]) if found else ("", paragraph)


def paragraphs(text: str) -> list[str]:
    """The lines of a section that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def strange_numbers(texts: Iterable[str], edition: Edition, rules: Rules) -> list[str]:
    """Return the numbers in `texts` that are none of the bulletin's figures: typed by hand, or changed since."""
    known = {number for text in _everything(edition, rules) for number in NUMBER.findall(text)}
    found = dict.fromkeys(number for text in texts for number in NUMBER.findall(text))
    return [number for number in found if number not in known]


def _everything(edition: Edition, rules: Rules) -> Iterable[str]:
    yield overview(edition)
    yield problems(findings(edition, rules))
    for line in (edition.total, *(line for group in edition.groups for line in group.lines)):
        yield " ".join(
            [*row(line), f"{line.solved} {line.overdue} {line.held_overdue} {line.was} {abs(line.moved or 0)}"]
        )
        yield " ".join(line.overdue_numbers)


def as_text(title: str, sections: Mapping[str, str], edition: Edition, *, kind: str) -> str:
    """The bulletin as plain text, for a chat or a mail: the table as one line for each unit."""
    lines = ["".join(title.splitlines()), ""]
    for name, key in zip(headings(kind), SECTIONS, strict=True):
        lines += [name, *paragraphs(sections[key])]
        if key == "units":
            for group in edition.groups:
                lines.append(f"【{group.name}】")
                lines += [told(line) for line in group.lines]
    return "\n".join(lines)


def told(line: Line) -> str:
    """A unit in one line of plain text."""
    place = f"{line.rank}. " if line.rank is not None else ""
    told = [f"{place}{line.name}"]
    if line.score is not None:
        told.append(f"得分{mark(line.score)}")
    if line.to_visit is not None:
        told.append(f"入户率{percent(line.coverage)}")
    if line.raised is not None:
        told.append(f"解决率{percent(line.solution)}")
    if line.moved is not None:
        told.append(f"较上期{movement(line)}")
    return " ".join(told)
