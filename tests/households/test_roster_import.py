"""From staging to undo: what is new, changed, moved or missing, what is written, and what is taken back."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from households.idnumber import decrypt, fingerprint
from households.models import (
    Household,
    Pairing,
    Resident,
    RosterBefore,
    RosterImport,
    RosterMapping,
    StagedHousehold,
    StagedResident,
)
from households.roster import actions, apply, files, match
from outreach.models import AuditEvent
from tests.households.conftest import people, tables
from tests.households.factory import TITLES, id_number, person, roster, workbook

State = RosterImport.State

FAMILY = [
    person(1, "张三", phone="13800000001"),
    person(2, "李四", "配偶"),
    person(3, "张小三", "长子", born="20050303"),
]
NEIGHBOURS = [person(11, "王五", number="2", address="2号"), person(12, "赵六", "妻", number="2", address="2号")]


def counts(roster_import: RosterImport) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in roster_import.summary["counts"].items() if count}


def test_new_roster_is_written_with_its_lineage(bring_in, cast):
    done = bring_in(roster(*FAMILY, *NEIGHBOURS))

    assert done.state == State.COMMITTED
    assert counts(done) == {"household_new": 2, "resident_new": 5}
    household = Household.objects.get(number="1")
    assert (household.village, household.group, household.address) == (cast.shiqiao, "1组", "1号")
    assert (household.head_name, household.head_pinyin, household.phone) == ("张三", "zs", "13800000001")
    assert (household.source_import, household.source_sheet, household.source_row) == (done, "花名册", 2)
    son = Resident.objects.get(name="张小三")
    assert (son.household, son.relation, son.relation_text, son.birth_on.isoformat()) == (
        household,
        "20",
        "长子",
        "2005-03-03",
    )
    assert decrypt(son.id_number_encrypted) == id_number(3, born="20050303")
    assert son.id_number_fingerprint == fingerprint(id_number(3, born="20050303"))
    assert (son.source_import, son.source_row) == (done, 4)
    assert not StagedHousehold.objects.exists() and not StagedResident.objects.exists()
    assert AuditEvent.objects.filter(action="roster.commit", target=f"households.rosterimport:{done.pk}").count() == 1


def test_same_file_twice_changes_nothing(bring_in, upload, cast):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    before = tables()

    again = upload(roster(*FAMILY, *NEIGHBOURS))

    assert counts(again) == {"household_same": 2, "resident_same": 5}
    with pytest.raises(actions.NotPossible):
        actions.request_commit(roster_import=again, by=cast.township_admin)
    assert tables() == before


def test_only_changed_rows_are_written_and_blank_cells_erase_nothing(bring_in):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    untouched = Household.objects.get(number="2"), Resident.objects.get(name="王五")
    changed = [
        person(1, "张三", address="1号之二", category="低保户"),
        person(2, "李四", "妻", phone="13900000002"),
        person(0, "张小三", "长子"),
    ]

    done = bring_in(roster(*changed, *NEIGHBOURS))

    assert counts(done) == {"household_changed": 1, "household_same": 1, "resident_changed": 1, "resident_same": 4}
    household = Household.objects.get(number="1")
    assert (household.address, household.phone, household.categories, household.priority) == (
        "1号之二",
        "13800000001",
        ["dibao"],
        80,
    )
    wife = Resident.objects.get(name="李四")
    assert (wife.phone, wife.relation_text, wife.source_import) == ("13900000002", "妻", done)
    son = Resident.objects.get(name="张小三")
    assert son.id_number_fingerprint == fingerprint(id_number(3, born="20050303"))
    assert son.source_import != done
    after = Household.objects.get(number="2"), Resident.objects.get(name="王五")
    assert [row.updated_at for row in after] == [row.updated_at for row in untouched]


def test_person_found_in_another_household_moves_there(bring_in):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    moved = person(3, "张小三", "女婿", number="2", address="2号", born="20050303")

    done = bring_in(roster(*FAMILY[:2], *NEIGHBOURS, moved))

    assert counts(done) == {"household_same": 2, "resident_same": 4, "resident_moved": 1}
    assert people()["张小三"] == "王五"
    assert Resident.objects.count() == 5


def test_head_of_one_household_may_become_member_of_another(bring_in):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    done = bring_in(
        roster(
            person(2, "李四"),
            person(1, "张三", "丈夫"),
            FAMILY[2],
            person(12, "赵六", number="2", address="2号"),
            person(11, "王五", "夫", number="2", address="2号"),
        )
    )
    assert done.state == State.COMMITTED
    heads = Resident.objects.filter(relation="01").values_list("name", "household__head_name", "household__number")
    assert set(heads) == {("李四", "李四", "1"), ("赵六", "赵六", "2")}


def test_old_head_missing_from_the_file_stays_but_is_head_no_more(bring_in):
    bring_in(roster(*FAMILY))
    bring_in(roster(person(2, "李四"), FAMILY[2]))
    old = Resident.objects.get(name="张三")
    assert (old.relation, old.household.head_name) == ("97", "李四")
    assert Resident.objects.count() == 3


def test_old_head_whose_relation_is_left_blank_makes_room_for_the_new(bring_in):
    bring_in(roster(*FAMILY))
    done = bring_in(roster(person(2, "李四"), person(1, "张三", ""), FAMILY[2]))
    assert counts(done) == {"household_changed": 1, "resident_changed": 2, "resident_same": 1}
    found = dict(Resident.objects.values_list("name", "relation"))
    assert found == {"李四": "01", "张三": "97", "张小三": "20"}


def test_renumbered_household_is_known_by_its_heads_id_number(bring_in):
    bring_in(roster(*FAMILY))
    pk = Household.objects.get().pk
    done = bring_in(roster(*[[*row[:2], "A-7", *row[3:]] for row in FAMILY]))
    assert counts(done) == {"household_changed": 1, "resident_same": 3}
    assert list(Household.objects.values_list("pk", "number")) == [(pk, "A-7")]


def test_household_without_number_and_id_numbers_is_known_by_place_and_head(bring_in, upload):
    rows = [["姓名", "关系", "组", "住址"], ["张三", "户主", 1, "1号"], ["李四", "妻", 1, "1号"]]
    bring_in(workbook(("石桥村", rows)))
    assert counts(upload(workbook(("石桥村", rows)))) == {"household_same": 1, "resident_same": 2}
    rows[1][3] = rows[2][3] = "9号"
    assert counts(upload(workbook(("石桥村", rows)))) == {"household_changed": 1, "resident_same": 2}


def test_corrected_id_number_is_a_change_of_the_same_person(bring_in):
    bring_in(roster(*FAMILY))
    done = bring_in(roster(FAMILY[0], person(77, "李四", "配偶"), FAMILY[2]))
    assert counts(done) == {"household_same": 1, "resident_same": 2, "resident_changed": 1}
    assert decrypt(Resident.objects.get(name="李四").id_number_encrypted) == id_number(77)


def test_two_people_may_exchange_their_id_numbers(bring_in):
    bring_in(roster(person(1, "张三"), person(2, "李四", "妻"), person(11, "王五", number="2")))
    # the numbers tell who they are; so the names change places, and with them the relation stays
    done = bring_in(roster(person(2, "张三"), person(1, "李四", "妻"), person(11, "王五", number="2")))
    assert done.state == State.COMMITTED
    found = {one.name: decrypt(one.id_number_encrypted) for one in Resident.objects.all()}
    assert found == {"张三": id_number(2), "李四": id_number(1), "王五": id_number(11)}
    assert Resident.objects.get(relation="01", household__number="1").name == "张三"


def test_missing_rows_are_listed_and_never_touched(bring_in, upload):
    bring_in(roster(*FAMILY, *NEIGHBOURS, person(21, "孙七", number="3", village="柳塘村")))
    before = tables()
    part = upload(roster(*FAMILY[:2], person(31, "", number="4")))
    assert [household.head_name for household in match.missing_households(part.pk)] == ["王五"]
    assert [resident.name for resident in match.missing_residents(part.pk)] == ["张小三"]
    assert tables() == before


def test_file_of_one_group_misses_nobody_of_another_group(bring_in, upload):
    bring_in(roster(*FAMILY, person(11, "王五", number="2", group="2组")))
    assert not match.missing_households(upload(roster(*FAMILY)).pk).exists()


def test_household_with_errors_is_not_missing(bring_in, upload):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    bad = [list(row) for row in NEIGHBOURS]
    bad[1][6] = "没有"
    checked = upload(roster(*FAMILY, *[bad[0], [*bad[1][:6], "123", *bad[1][7:]]]))
    assert checked.summary["errors"] == 1
    assert not match.missing_households(checked.pk).exists()
    assert not match.missing_residents(checked.pk).exists()


def test_good_households_are_imported_without_the_bad(bring_in):
    done = bring_in(roster(*FAMILY, person(11, "王五", number="2", phone="123"), person(12, "赵六", "妻", number="2")))
    assert counts(done) == {"household_new": 1, "resident_new": 3, "household_bad": 1, "resident_bad": 2}
    assert people() == {"张三": "张三", "李四": "张三", "张小三": "张三"}
    assert [(error.row, error.code) for error in done.errors.all()] == [(5, "phone_invalid")]


def test_village_outside_the_unit_is_unknown(upload, cast):
    checked = upload(roster(person(1, "张三", village="鹭洲村")))
    assert [error.code for error in checked.errors.all()] == ["unknown_village"]


def test_person_on_an_unreachable_roster_is_not_taken_from_there(bring_in, upload, cast):
    bring_in(roster(person(1, "张三", village="鹭洲村")), unit=cast.bailu, by=cast.outside_admin)
    before = tables()
    checked = upload(roster(person(1, "张三"), person(2, "李四", "妻")))
    assert [(error.row, error.code) for error in checked.errors.all()] == [(2, "id_number_elsewhere")]
    assert counts(checked) == {"household_bad": 1, "resident_bad": 2}
    assert tables() == before


def test_import_needs_the_permission(cast, media):
    with pytest.raises(PermissionDenied):
        actions.start_import(unit=cast.shiqiao, chunks=[b"x"], filename="x.xlsx", by=cast.village_clerk)
    assert not RosterImport.objects.exists()


def test_roster_that_changed_since_the_preview_is_not_written_unseen(upload, bring_in, cast, run_tasks):
    waiting = upload(roster(*FAMILY))
    bring_in(roster(*FAMILY[:1]))
    before = tables()
    with run_tasks():
        actions.request_commit(roster_import=waiting, by=cast.township_admin)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.failure) == (State.CHECKED, "roster_changed")
    assert counts(waiting) == {"household_same": 1, "resident_same": 1, "resident_new": 2}
    assert tables() == before


def test_person_removed_since_the_preview_is_not_written_without_a_number(upload, bring_in, cast, run_tasks):
    bring_in(roster(*FAMILY))
    waiting = upload(roster(*FAMILY, person(5, "张五", "女儿")))
    Resident.objects.filter(name="李四").update(name="张五", id_number_fingerprint=fingerprint(id_number(5)))
    with run_tasks():
        actions.request_commit(roster_import=waiting, by=cast.township_admin)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.failure) == (State.CHECKED, "roster_changed")
    with run_tasks():
        actions.request_commit(roster_import=waiting, by=cast.township_admin)
    assert decrypt(Resident.objects.get(name="李四").id_number_encrypted) == id_number(2)


def test_tasks_run_twice_do_the_work_once(bring_in):
    done = bring_in(roster(*FAMILY))
    before = tables()
    for step in (actions.check_import, actions.commit_import, actions.undo_import):
        step(import_id=done.pk)
    done.refresh_from_db()
    assert done.state == State.COMMITTED
    assert tables() == before


def test_import_a_dead_worker_left_behind_is_taken_up_again(upload, cast):
    started = upload(roster(*FAMILY))
    RosterImport.objects.filter(pk=started.pk).update(
        state=State.CHECKING, state_at=timezone.now() - datetime.timedelta(minutes=5)
    )
    assert actions.stuck() == [(started.pk, "check")]
    actions.check_import(import_id=started.pk)
    started.refresh_from_db()
    assert started.state == State.CHECKED
    assert actions.stuck() == []


def test_emptied_staging_tables_are_filled_again_from_the_file(upload, cast, run_tasks):
    started = upload(roster(*FAMILY))
    StagedResident.objects.all().delete()
    StagedHousehold.objects.all().delete()
    with run_tasks():
        actions.request_commit(roster_import=started, by=cast.township_admin)
    started.refresh_from_db()
    assert started.state == State.CHECKED
    assert StagedResident.objects.count() == 3


def test_failed_commit_is_shown_and_not_tried_for_ever(upload, cast):
    started = upload(roster(*FAMILY))
    RosterImport.objects.filter(pk=started.pk).update(state=State.COMMITTING, committed_by=cast.township_admin)
    # a household that breaks the one rule matching cannot see coming: its village is gone
    StagedHousehold.objects.update(village_id=0)
    with pytest.raises(Exception, match="violates"):
        from django.db import connection

        with transaction.atomic():
            actions.commit_import(import_id=started.pk)
            connection.check_constraints()
    assert not Household.objects.exists()


def test_unusable_file_fails_with_its_code(upload):
    failed = upload(b"PK\x03\x04 broken")
    assert (failed.state, failed.failure) == (State.FAILED, "damaged")


def test_stored_file_is_unreadable_without_the_key(upload, media):
    started = upload(roster(*FAMILY))
    stored = (media / started.file.name).read_bytes()
    assert b"PK\x03\x04" not in stored
    with files.plain_copy(started) as path:
        assert path.read_bytes() == roster(*FAMILY) or path.read_bytes().startswith(b"PK\x03\x04")
    (media / started.file.name).write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(ValueError), files.plain_copy(started):
        pass


def test_mapping_is_remembered_for_the_unit(upload, cast, run_tasks):
    content = workbook(("石桥村", [["名儿", "关系"], ["张三", "户主"]]))
    failed = upload(content)
    assert (failed.state, failed.failure) == (State.FAILED, "no_roster")
    with run_tasks():
        actions.set_mapping(roster_import=failed, mapping={"名儿": "name", "怪": "no field"}, by=cast.township_admin)
    failed.refresh_from_db()
    assert failed.state == State.CHECKED
    assert list(RosterMapping.objects.values_list("unit", "title", "field")) == [(cast.qingxi.pk, "名儿", "name")]
    assert upload(content).state == State.CHECKED
    elsewhere = upload(
        workbook(("鹭洲村", [["名儿", "关系"], ["张三", "户主"]])), unit=cast.bailu, by=cast.outside_admin
    )
    assert elsewhere.state == State.FAILED


def test_discarded_import_leaves_no_file(upload, cast, media, django_capture_on_commit_callbacks):
    started = upload(roster(*FAMILY))
    with django_capture_on_commit_callbacks(execute=True):
        actions.discard(roster_import=started, by=cast.township_admin)
    assert not [path for path in media.rglob("*") if path.is_file()]
    assert not StagedResident.objects.exists()


# --- undo ------------------------------------------------------------------------------------------------------------


def undo(roster_import: RosterImport, cast, run_tasks) -> RosterImport:
    with run_tasks():
        actions.request_undo(roster_import=roster_import, by=cast.township_admin)
    roster_import.refresh_from_db()
    return roster_import


def test_undo_restores_every_row_exactly(bring_in, cast, run_tasks):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    before = tables()
    second = bring_in(
        roster(
            person(2, "李四", address="9号", category="残疾人户"),
            person(1, "张叁", "丈夫", phone="13811112222"),
            person(3, "张小三", "女婿", number="2", born="20050303"),
            person(12, "赵六", number="2"),
            person(99, "新人", "母亲", number="2"),
            person(55, "钱八", number="5"),
            person(11, "王五", "兄弟", number="5"),
        )
    )
    assert tables() != before

    undone = undo(second, cast, run_tasks)

    assert undone.state == State.UNDONE
    assert tables() == before
    assert not RosterBefore.objects.exists()
    event = AuditEvent.objects.get(action="roster.undo")
    assert event.detail["removed_households"] == 1


def test_undo_of_a_first_import_leaves_an_empty_roster(bring_in, cast, run_tasks):
    assert undo(bring_in(roster(*FAMILY, *NEIGHBOURS)), cast, run_tasks).state == State.UNDONE
    assert tables() == ([], [])


def test_undo_is_refused_after_30_days(bring_in, cast):
    done = bring_in(roster(*FAMILY))
    RosterImport.objects.update(committed_at=timezone.now() - datetime.timedelta(days=31))
    with pytest.raises(actions.NotPossible, match="30"):
        actions.request_undo(roster_import=done, by=cast.township_admin)


def test_undo_is_refused_while_a_later_import_stands_on_it(bring_in, cast, run_tasks):
    first = bring_in(roster(*FAMILY))
    second = bring_in(roster(person(1, "张三", phone="13899999999"), *FAMILY[1:]))
    with pytest.raises(actions.NotPossible, match="张三"):
        actions.request_undo(roster_import=first, by=cast.township_admin)
    undo(second, cast, run_tasks)
    assert undo(first, cast, run_tasks).state == State.UNDONE


def test_undo_is_refused_after_an_edit_by_hand(bring_in, cast):
    done = bring_in(roster(*FAMILY))
    Household.objects.update(note="搬来了", updated_at=timezone.now())
    with pytest.raises(actions.NotPossible, match="张三"):
        actions.request_undo(roster_import=done, by=cast.township_admin)


def test_undo_is_refused_where_a_household_was_paired_or_visited(bring_in, cast):
    done = bring_in(roster(*FAMILY))
    Pairing.objects.create(household=Household.objects.get(), user=cast.visitor)
    assert list(apply.undo_blocks(done.pk, done.committed_at)) == ["households.pairing"]
    with pytest.raises(actions.NotPossible, match="张三"):
        actions.request_undo(roster_import=done, by=cast.township_admin)


def test_old_imports_forget_their_file_and_keep_their_name(bring_in, media):
    done = bring_in(roster(*FAMILY))
    old = timezone.now() - datetime.timedelta(days=31)
    RosterImport.objects.update(created_at=old, state_at=old)
    assert (actions.forget_old(), actions.forget_old()) == (1, 0)
    done.refresh_from_db()
    assert (done.filename, done.file.name) == ("花名册.xlsx", "")
    assert not [path for path in media.rglob("*") if path.is_file()]
    assert Household.objects.get().source_import == done


# --- any roster ------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["张三", "李四", "王五", "赵六", "孙七", "周八", "吴九", "郑十"])


@st.composite
def rosters(draw) -> list[list]:
    """Rows of up to 6 households of two villages; ID numbers differ or are blank, names within a household differ."""
    rows = []
    taken: set[int] = set()
    for number in draw(st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True)):
        names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        village = draw(st.sampled_from(["石桥村", "柳塘村"]))
        for position, name in enumerate(names):
            n = draw(st.integers(0, 30))
            n = 0 if n in taken else n
            taken.add(n)
            rows.append(
                person(
                    n,
                    name,
                    "户主" if position == 0 else draw(st.sampled_from(["配偶", "长子", "女儿", ""])),
                    number=str(number),
                    village=village,
                    phone=draw(st.sampled_from(["", "13800000001", "13900000002"])),
                    address=draw(st.sampled_from(["", "1号", "2号"])),
                    category=draw(st.sampled_from(["", "一般户", "低保户"])),
                )
            )
    return rows


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=rosters(), second=rosters())
def test_any_file_twice_changes_nothing_and_undo_restores_exactly(cast, media, tmp_path, first, second):
    def bring(rows: list[list]) -> RosterImport:
        path = tmp_path / "any.xlsx"
        path.write_bytes(roster(*rows))
        made = RosterImport.objects.create(unit=cast.qingxi, filename="any.xlsx")
        actions.check_file(made, path)
        actions.write_import(made, by=None)
        return made

    with transaction.atomic():  # of its own for each example: a failed one would spoil the rest
        bring(first)
        before = tables()
        again = bring(first)
        assert again.summary["to_write"] == 0, again.summary["counts"]
        assert tables() == before
        other = bring(second)
        after = tables()
        assert bring(second).summary["to_write"] == 0
        assert tables() == after
        assert not Household.objects.exclude(residents__relation="01").filter(source_import=other, number__in=[
            row[2] for row in second
        ]).exists()  # fmt: skip
        actions.undo_write(other, by=None)
        assert tables() == before
        transaction.set_rollback(True)


def test_titles_of_the_factory_are_the_templates_own():
    from households.exports import TEMPLATE_COLUMNS

    assert set(TITLES) <= {title for title, _width in TEMPLATE_COLUMNS}
