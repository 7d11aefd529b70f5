"""The roster import against django-import-export, and what it costs in memory: 100 000 rows, made up here.

.venv/bin/python -m bench.run roster

All contestants import the same columns of the same file into the same tables: households and residents, the ID number
checked, encrypted and fingerprinted. django-import-export does it in two passes, the households (one row each, picked
out beforehand) and the residents, on fewer rows, because its default would need minutes; rates are per row of the file.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure

ROWS = 100_000
FEW_ROWS = 2_000  # for django-import-export's default
SOME_ROWS = 10_000  # for its bulk mode
CHANGED = 20  # every so manieth household has another phone in the second file
VILLAGES = ("石桥村", "柳塘村", "枫林村", "青溪社区")
TITLES = (
    "镇街",
    "村（社区）",
    "组别",
    "户编号",
    "姓名",
    "与户主关系",
    "身份证号",
    "联系电话",
    "家庭住址",
    "家庭类别",
    "备注",
)
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
RELATIONS = ("户主", "配偶", "长子", "女儿", "母亲")
CATEGORIES = ("一般户", "低保户", "脱贫户")


def rows(count: int, *, changed: int = 0) -> Iterator[list[str]]:
    """Yield the rows of a roster; the same `count` gives the same people. `changed`: see CHANGED."""
    from households.roster.id_numbers import check_character

    draw = random.Random(4399)
    written = household = 0
    while written < count:
        household += 1
        size = min(draw.choice((1, 2, 3, 3, 4, 5)), count - written)
        place, group = VILLAGES[household % 4], household % 12 + 1
        for member in range(size):
            written += 1
            name = draw.choice(SURNAMES) + draw.choice(GIVEN) + draw.choice(GIVEN)
            order = written // 26_880 * 10 + (1 if member % 2 == 0 else 2) + 4 * (member // 2)
            day = written % 26_880
            first = f"439900{1940 + day % 80}{day // 80 % 12 + 1:02}{day // 960 + 1:02}{order:03}"
            phone = f"1{3_000_000_000 + written + (5_000_000 if changed and household % changed == 0 else 0)}"
            yield [
                "青溪镇",
                place,
                f"{group}组",
                f"{household:06}",
                name,
                RELATIONS[member],
                first + check_character(first),
                phone if member == 0 else "",
                f"{place}{group}组{household % 199}号",
                CATEGORIES[household % 3],
                "",
            ]


def write_workbook(path: Path, content: Iterable[list[str]]) -> None:
    """Write the rows as .xlsx, all cells text."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("花名册")
    sheet.append(TITLES)
    for row in content:
        sheet.append(row)
    book.save(path)


def add_units() -> None:
    """Create the district the rows are in."""
    from outreach.models import Unit

    district = Unit.objects.create(code="439900", name="星河区", kind="district")
    town = Unit.objects.create(code="439900101", name="青溪镇", kind="township", parent=district, sort_order=1)
    for n, name in enumerate(VILLAGES):
        Unit.objects.create(code=f"4399001012{n:02}", name=name, kind="village", parent=town, sort_order=2 + n)


def empty() -> None:
    """Empty the roster."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE households_household, households_resident, households_rosterimport RESTART IDENTITY CASCADE"
        )


# --- the import itself, in a process of its own ----------------------------------------------------------------------


def import_in_child(path: Path) -> dict[str, float]:
    """Import the file with manage.py's own code in a fresh process; return seconds, megabytes and counts.

    The megabytes are the most that it and the reader it starts held at one time, looked at 50 times a second.
    """
    command = [sys.executable, "-m", "bench.bench_roster", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident_megabytes(process.pid))
        time.sleep(0.02)
    assert process.stdout and process.returncode == 0, process.returncode
    result: dict[str, float] = json.loads(process.stdout.read().splitlines()[-1])
    return result | {"peak_mb": peak}


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process and its children, 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return own + sum(resident_megabytes(int(child)) for child in children)


def child(path: Path) -> None:
    """Import `path` and print what it took, as JSON."""
    import django

    from outreach import embedded

    embedded.start_if_unset()
    django.setup()
    from households.management.commands.import_roster import import_file
    from outreach.models import Unit

    unit = Unit.objects.get(code="439900101")
    start = time.perf_counter()
    report = import_file(path, unit=unit, commit=True)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "seconds": seconds,
                **{name: report[name] for name in ("households", "residents", "created", "updated", "unchanged")},
                "errors": len(report["errors"]),
            }
        )
    )


# --- read + validate + upsert alone ----------------------------------------------------------------------------------


def bare(path: Path) -> float:
    """Read and check the file, COPY it and write it in two statements, with nothing around; return the seconds."""
    from django.db import transaction
    from django.utils import timezone

    from households.models import Category, RosterImport
    from households.roster import actions, apply
    from households.roster.stage import stage
    from outreach.models import Unit

    unit = Unit.objects.get(code="439900101")
    start = time.perf_counter()
    with transaction.atomic():
        made = RosterImport.objects.create(unit=unit, filename=path.name)
        roster = actions.read_file(path, unit=unit, filename=path.name, saved={})
        stage(roster, import_id=made.pk, priorities=dict(Category.objects.values_list("code", "priority")))
        from django.db import connection

        values: dict[str, Any] = {"import": made.pk, "now": timezone.now()}
        with connection.cursor() as cursor:
            for statement in (apply.NUMBER_NEW_HOUSEHOLDS, apply.INSERT_HOUSEHOLDS, apply.INSERT_RESIDENTS):
                cursor.execute(statement, values)
    return time.perf_counter() - start


# --- django-import-export --------------------------------------------------------------------------------------------


def contestants() -> dict[str, tuple[Any, Any, int]]:
    """Return name → (resource of households, of residents, rows): django-import-export as it comes, and tuned."""
    from import_export import fields, resources, widgets
    from import_export.instance_loaders import CachedInstanceLoader

    from households.doors import door_key
    from households.idnumber import encrypt, fingerprint
    from households.models import Category, Household, Resident
    from households.roster import id_numbers, relations
    from outreach.models import Unit
    from outreach.pinyin import initials

    today = date.today()
    codes = {spelling: one.code for one in Category.objects.all() for spelling in (one.name, *one.aliases)}

    class DefaultDoors(resources.ModelResource):
        """One household a row."""

        village = fields.Field(
            attribute="village", column_name="村（社区）", widget=widgets.ForeignKeyWidget(Unit, "name")
        )
        number = fields.Field(attribute="number", column_name="户编号")
        group = fields.Field(attribute="group", column_name="组别")
        address = fields.Field(attribute="address", column_name="家庭住址")
        head_name = fields.Field(attribute="head_name", column_name="姓名")
        phone = fields.Field(attribute="phone", column_name="联系电话")
        note = fields.Field(attribute="note", column_name="备注")
        categories = fields.Field(attribute="categories", column_name="categories")
        head_pinyin = fields.Field(attribute="head_pinyin", column_name="pinyin")
        door_key = fields.Field(attribute="door_key", column_name="door_key")

        class Meta:
            model = Household
            import_id_fields = ("number",)
            fields = (
                *("village", "number", "group", "address", "head_name", "phone", "note", "categories"),
                *("head_pinyin", "door_key"),
            )

        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            """Add what is worked out from the columns."""
            places = zip(dataset["组别"], dataset["家庭住址"], dataset["户编号"], strict=True)
            dataset.append_col([door_key(*place) for place in places], header="door_key")
            dataset.append_col([initials(name) for name in dataset["姓名"]], header="pinyin")
            words = dataset["家庭类别"]
            dataset.append_col([[codes[word]] if word in codes else [] for word in words], header="categories")

    class Default(resources.ModelResource):
        """One resident a row; the household is looked up by its number."""

        household = fields.Field(
            attribute="household", column_name="户编号", widget=widgets.ForeignKeyWidget(Household, "number")
        )
        name = fields.Field(attribute="name", column_name="姓名")
        relation_text = fields.Field(attribute="relation_text", column_name="与户主关系")
        phone = fields.Field(attribute="phone", column_name="联系电话")
        pinyin = fields.Field(attribute="pinyin", column_name="pinyin")
        relation = fields.Field(attribute="relation", column_name="relation")
        sex = fields.Field(attribute="sex", column_name="sex")
        birth_on = fields.Field(attribute="birth_on", column_name="birth_on", widget=widgets.DateWidget())
        id_number_encrypted = fields.Field(attribute="id_number_encrypted", column_name="encrypted")
        id_number_fingerprint = fields.Field(attribute="id_number_fingerprint", column_name="fingerprint")

        class Meta:
            model = Resident
            import_id_fields = ("id_number_fingerprint",)
            fields = (
                *("household", "name", "relation_text", "phone", "pinyin", "relation", "sex", "birth_on"),
                *("id_number_encrypted", "id_number_fingerprint"),
            )

        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            """Check the ID numbers and add what is worked out from them and the names."""
            numbers = []
            for value in dataset["身份证号"]:
                number, wrong = id_numbers.check(value, today)
                if wrong:
                    raise ValueError(wrong)
                numbers.append(number)
            dataset.append_col([encrypt(number) for number in numbers], header="encrypted")
            dataset.append_col([fingerprint(number) for number in numbers], header="fingerprint")
            dataset.append_col([initials(name) for name in dataset["姓名"]], header="pinyin")
            dataset.append_col([relations.code_of(word) for word in dataset["与户主关系"]], header="relation")
            dataset.append_col([id_numbers.sex(number) for number in numbers], header="sex")
            dataset.append_col([str(id_numbers.birth_date(number)) for number in numbers], header="birth_on")

    class KnownVillages(widgets.ForeignKeyWidget):
        """Looks the village up in memory."""

        known: dict[str, Any] = {}

        def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
            if not self.known:
                self.known.update({one.name: one for one in Unit.objects.villages()})
            return self.known[value]

    class KnownHouseholds(widgets.ForeignKeyWidget):
        """Looks the household up in memory."""

        known: dict[str, Any] = {}

        def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
            if not self.known:
                self.known.update({one.number: one for one in Household.objects.all()})
            return self.known[value]

    class TunedDoors(DefaultDoors):
        """As Tuned, for households."""

        village = fields.Field(attribute="village", column_name="村（社区）", widget=KnownVillages(Unit, "name"))

        class Meta(DefaultDoors.Meta):
            use_bulk = True
            batch_size = 1000
            skip_diff = True
            report_skipped = False
            instance_loader_class = CachedInstanceLoader

    class Tuned(Default):
        """Bulk writes, the instances found at once, households in memory, no diff, no per-row savepoints."""

        household = fields.Field(
            attribute="household", column_name="户编号", widget=KnownHouseholds(Household, "number")
        )

        class Meta(Default.Meta):
            use_bulk = True
            batch_size = 1000
            skip_diff = True
            report_skipped = False
            instance_loader_class = CachedInstanceLoader

    return {"default": (DefaultDoors, Default, FEW_ROWS), "tuned": (TunedDoors, Tuned, SOME_ROWS)}


def rate_of_import_export(doors: Any, residents: Any, count: int) -> float:
    """Import `count` rows with two django-import-export resources; return rows per second."""
    import tablib

    empty()
    content = list(rows(count))
    heads = [row for row in content if row[5] == "户主"]
    start = time.perf_counter()
    for made, part in ((doors, heads), (residents, content)):
        data = tablib.Dataset(*part, headers=list(TITLES))
        result = made().import_data(data, dry_run=False, raise_errors=True)
        assert result.totals["new"] == len(part), result.totals
    return count / (time.perf_counter() - start)


# --- the figures -----------------------------------------------------------------------------------------------------


def measure() -> Iterator[Figure]:
    """Yield the ratios to django-import-export and to the bare statements, memory, and the second import's share."""
    add_units()
    rates = {name: rate_of_import_export(*contestant) for name, contestant in contestants().items()}
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "first.xlsx", Path(folder) / "second.xlsx"
        write_workbook(first, rows(ROWS))
        write_workbook(second, rows(ROWS, changed=CHANGED))
        empty()
        bare_seconds = bare(first)
        empty()
        new = import_in_child(first)
        assert (new["residents"], new["errors"]) == (ROWS, 0), new
        again = import_in_child(second)
        assert again["created"] == 0 and again["updated"] > 0, again
    rate = ROWS / new["seconds"]
    print(
        f"roster rows/s: default {rates['default']:.0f}, tuned {rates['tuned']:.0f}, ours {rate:.0f}", file=sys.stderr
    )
    print(f"roster: bare {bare_seconds:.2f} s, new {new}, again {again}", file=sys.stderr)
    yield Figure("roster_rate_over_import_export_default", rate / rates["default"], "×", ">=", 40)
    yield Figure("roster_rate_over_import_export_tuned", rate / rates["tuned"], "×", ">=", 4)
    yield Figure("roster_time_over_bare", new["seconds"] / bare_seconds, "×", "<=", 2)
    yield Figure("roster_peak_memory", max(new["peak_mb"], again["peak_mb"]), "MB", "<=", 300)
    yield Figure("roster_reimport_share", again["seconds"] / new["seconds"], "×", "<=", 0.5)


if __name__ == "__main__":
    child(Path(sys.argv[1]))
