"""Plans and tasks: owners, reports and who judges them, parts, history, lists, the board, reminders."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import docx
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, InternalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from outreach.models import AuditEvent, Notification
from reports import task_board, task_reminders
from reports.actions import plans
from reports.models import TaskReport, WorkFile, WorkPlan, WorkTask
from reports.pace import Light
from reports.tables import text_of_upload
from reports.tasks import refresh_rollups
from tests.issues.papers import pdf, upload
from tests.reports.plans_make import content, counted, make_plan, make_task, post_of, second_office
from tests.reports.rows import START, make_campaign, make_duty

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(cast) -> WorkPlan:
    return make_plan(cast)


@pytest.fixture
def task(cast, plan) -> WorkTask:
    return counted(cast, plan)


def report(cast, task, amount=10, **values):
    return plans.report_task(
        task=task,
        by=cast.department_head,
        **{"text": "已完成一批", "amount": Decimal(amount), "is_final": False, **values},
    )


# --- nothing without an owner ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["unit", "person"])
def test_database_refuses_a_task_without_an_owner(task, field):
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkTask.objects.filter(pk=task.pk).update(**{field: None})


def test_database_refuses_a_person_who_holds_no_post_in_the_unit(cast, task):
    with pytest.raises(IntegrityError, match="no post"), transaction.atomic():
        WorkTask.objects.filter(pk=task.pk).update(person=post_of(cast.outside_handler))


def test_task_of_the_district_itself_is_refused(cast, plan):
    with pytest.raises(ValidationError) as refused:
        make_task(cast, plan, post_of(cast.supervisor))
    assert "person" in refused.value.message_dict


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "长" * 201}, "title"),
        ({"measure": "count", "target": None}, "target"),
        ({"measure": "percent", "target": Decimal(101)}, "target"),
        ({"measure": "indicator", "indicator": "coverage", "target": Decimal(90)}, "indicator"),  # plan has no campaign
        ({"measure": "indicator", "indicator": "nonsense", "target": Decimal(90)}, "indicator"),
        ({"due_on": timezone.localdate() + timedelta(days=41)}, "due_on"),
        ({"due_on": timezone.localdate() - timedelta(days=21)}, "due_on"),
    ],
)
def test_task_that_makes_no_sense_is_refused_and_nothing_is_written(cast, plan, values, field):
    with pytest.raises(ValidationError) as refused:
        make_task(cast, plan, post_of(cast.department_head), **values)
    assert field in refused.value.message_dict
    assert not WorkTask.objects.exists()


def test_tasks_of_one_list_are_all_written_or_none(cast, plan):
    good, bad = content(post_of(cast.department_head)), content(post_of(cast.township_admin), title="")
    with pytest.raises(ValidationError):
        plans.add_tasks(plan=plan, by=cast.district_office, contents=[good, bad])
    assert not WorkTask.objects.exists()


def test_person_in_charge_is_told_in_the_digest_without_the_task_in_the_title(cast, task):
    told = Notification.objects.get(user=cast.department_head)
    assert task.code in told.title and task.title not in told.title
    assert told.in_digest and told.url == reverse("reports:task_detail", args=[task.pk])


# --- reports and who judges them ------------------------------------------------------------------------------------


def test_report_changes_nothing_until_another_unit_accepts_it(cast, task):
    sent = report(cast, task)
    task.refresh_from_db()
    assert (task.state, task.reached) == ("reported", None)
    plans.judge_report(report=sent, by=cast.district_office, accept=True, remark="")
    task.refresh_from_db()
    assert (task.state, task.reached) == ("running", 10)
    sent.refresh_from_db()
    assert (sent.state, sent.decided_by, sent.decided_by_unit) == ("accepted", cast.district_office, cast.district)
    steps = list(task.events.order_by("pk").values_list("step", "by", "from_state", "to_state"))
    assert steps == [
        ("open", cast.district_office.pk, "", "running"),
        ("report", cast.department_head.pk, "running", "reported"),
        ("accept", cast.district_office.pk, "reported", "running"),
    ]


def test_report_sent_back_needs_a_reason_and_leaves_the_figure(cast, task):
    sent = report(cast, task)
    with pytest.raises(ValidationError):
        plans.judge_report(report=sent, by=cast.district_office, accept=False, remark=" ")
    plans.judge_report(report=sent, by=cast.district_office, accept=False, remark="缺现场照片")
    task.refresh_from_db()
    assert (task.state, task.reached) == ("running", None)
    assert Notification.objects.filter(user=cast.department_head, title__contains=task.code).count() == 2


def test_final_report_accepted_completes_the_task(cast, task):
    plans.judge_report(report=report(cast, task, 40, is_final=True), by=cast.district_office, accept=True, remark="")
    task.refresh_from_db()
    assert (task.state, task.ended_by) == ("done", cast.district_office)
    with pytest.raises(ValidationError):
        report(cast, task)


def test_reporting_unit_never_judges_itself(cast, task):
    sent = report(cast, task)
    for person in (cast.department_head, cast.department_handler, cast.leader, cast.outside_handler):
        with pytest.raises(PermissionDenied):
            plans.judge_report(report=sent, by=person, accept=True, remark="")
    post = post_of(cast.department_head)
    post.grants = ["plan.edit"]
    post.save()
    with pytest.raises(PermissionDenied):
        plans.judge_report(report=sent, by=cast.department_head, accept=True, remark="")
    assert TaskReport.objects.get().state == "pending"


def test_database_refuses_a_report_judged_by_its_own_unit(cast, task):
    sent = report(cast, task)
    with pytest.raises(IntegrityError), transaction.atomic():
        TaskReport.objects.filter(pk=sent.pk).update(
            state="accepted", decided_at=timezone.now(), decided_by=cast.department_handler, decided_by_unit=cast.roads
        )


def test_second_report_waits_for_the_first_and_a_second_judgement_is_refused(cast, task):
    sent = report(cast, task)
    with pytest.raises(plans.ConflictError):
        report(cast, task)
    plans.judge_report(report=sent, by=cast.district_office, accept=True, remark="")
    with pytest.raises(plans.ConflictError):
        plans.judge_report(report=sent, by=second_office(cast), accept=False, remark="再查")
    assert TaskReport.objects.get().state == "accepted"


@pytest.mark.parametrize("amount", [None, Decimal(-1), Decimal(10) ** 9])
def test_report_of_a_count_needs_a_number(cast, task, amount):
    with pytest.raises(ValidationError) as refused:
        plans.report_task(task=task, by=cast.department_head, text="x", amount=amount, is_final=False)
    assert "amount" in refused.value.message_dict


def test_others_do_not_report_on_a_task(cast, task):
    for person in (cast.township_admin, cast.district_office, cast.outside_handler):
        with pytest.raises(PermissionDenied):
            plans.report_task(task=task, by=person, text="x", amount=Decimal(1), is_final=False)


def test_history_cannot_be_changed(task):
    event = task.events.get()
    for change in (lambda: task.events.update(note="x"), event.delete):
        with pytest.raises(InternalError, match="append-only"), transaction.atomic():
            change()


# --- parts, editing, ending -----------------------------------------------------------------------------------------


def test_township_hands_a_part_down_and_judges_it(cast, plan):
    whole = make_task(cast, plan, post_of(cast.township_admin))
    [part] = plans.add_tasks(
        plan=plan,
        by=cast.township_admin,
        parent=whole,
        contents=[content(post_of(cast.village_clerk), title="村里排查")],
    )
    sent = plans.report_task(task=part, by=cast.village_clerk, text="查完", amount=None, is_final=True)
    with pytest.raises(ValidationError):  # the whole is not done before its parts
        plans.report_task(task=whole, by=cast.township_admin, text="完成", amount=None, is_final=True)
    plans.judge_report(report=sent, by=cast.township_admin, accept=True, remark="")
    part.refresh_from_db()
    assert part.state == "done" and part.parent == whole


def test_part_goes_to_nobody_outside_the_unit(cast, plan):
    whole = make_task(cast, plan, post_of(cast.township_admin))
    with pytest.raises(ValidationError):
        plans.add_tasks(
            plan=plan, by=cast.township_admin, parent=whole, contents=[content(post_of(cast.outside_admin))]
        )
    with pytest.raises(PermissionDenied):
        plans.add_tasks(plan=plan, by=cast.outside_admin, parent=whole, contents=[content(post_of(cast.outside_admin))])


def test_change_of_a_task_is_kept_with_what_it_was(cast, task):
    new = content(post_of(cast.department_handler), title="排查隐患", measure="count", target=Decimal(50))
    plans.edit_task(task=task, by=cast.district_office, content=new)
    changes = {name: (before, after) for name, before, after in task.events.first().changes}
    assert changes[str(WorkTask._meta.get_field("target").verbose_name)] == ("40.00", "50")
    assert changes[str(WorkTask._meta.get_field("person").verbose_name)] == ("周局长", "孙承办")


def test_task_ends_with_a_reason_and_can_be_taken_up_again(cast, task):
    with pytest.raises(ValidationError):
        plans.cancel_task(task=task, by=cast.district_office, note="")
    plans.cancel_task(task=task, by=cast.district_office, note="并入他项")
    plans.reopen_task(task=task, by=cast.district_office, note="仍需推进")
    task.refresh_from_db()
    assert (task.state, task.ended_at) == ("running", None)
    assert [event.step for event in task.events.order_by("pk")] == ["open", "cancel", "reopen"]


def test_plan_closes_only_when_none_of_its_tasks_is_under_way(cast, plan, task):
    with pytest.raises(ValidationError):
        plans.close_plan(plan=plan, by=cast.district_office)
    plans.finish_task(task=task, by=cast.district_office, note="验收通过")
    plans.close_plan(plan=plan, by=cast.district_office)
    with pytest.raises(ValidationError):
        counted(cast, plan)
    assert AuditEvent.objects.filter(action="plan.close").count() == 1


# --- figures the program counts, the board --------------------------------------------------------------------------


def test_task_measured_by_an_indicator_fills_itself(cast):
    campaign = make_campaign(cast)
    make_duty(campaign, cast.shiqiao, covered_on=START)
    make_duty(campaign, cast.liutang)
    refresh_rollups()
    plan = make_plan(cast, campaign)
    task = make_task(
        cast,
        plan,
        post_of(cast.township_admin),
        measure="indicator",
        indicator="coverage",
        target=Decimal(100),
    )
    [line] = task_board.lines(WorkTask.objects.with_names(), timezone.localdate())
    assert (line.value, line.pace.progress) == (Decimal("50.00"), 50)
    sent = plans.report_task(task=task, by=cast.township_admin, text="推进中", amount=Decimal(99), is_final=False)
    assert sent.amount is None


def test_board_counts_lights_and_shows_the_most_urgent(cast, plan):
    today = timezone.localdate()
    late = counted(cast, plan)
    WorkTask.objects.filter(pk=late.pk).update(due_on=today - timedelta(days=1))
    make_task(cast, plan, post_of(cast.department_head), title="另一项", starts_on=today + timedelta(days=5))
    [total] = task_board.by_unit(task_board.lines(WorkTask.objects.with_names(), today))
    assert (total.name, total.total, total.late, total.done) == ("区交通运输局", 2, 1, 0)
    assert total.worst is Light.LATE


@pytest.mark.parametrize("view", ["unit", "plan", "list"])
def test_board_costs_the_same_for_1_and_300_tasks(cast, plan, login, view):
    client, url = login(cast.leader), f"{reverse('reports:task_list')}?view={view}"
    person = post_of(cast.department_head)
    make_task(cast, plan, person)
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert client.get(url).status_code == 200
    plans.add_tasks(
        plan=plan, by=cast.district_office, contents=[content(person, title=f"任务{n}") for n in range(300)]
    )
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).status_code == 200
    assert len(many) == len(few)


def test_unit_sees_its_own_tasks_and_those_it_helps_with(cast, plan):
    own = counted(cast, plan)
    helped = make_task(cast, plan, post_of(cast.township_admin), title="镇里的", helpers=(cast.roads,))
    other = make_task(cast, plan, post_of(cast.outside_admin), title="别处的")
    assert set(WorkTask.objects.visible_to(cast.department_handler)) == {own, helped}
    assert set(WorkTask.objects.visible_to(cast.leader)) == {own, helped, other}
    assert not WorkTask.objects.visible_to(cast.visitor).exists()
    assert set(WorkPlan.objects.visible_to(cast.department_handler)) == {plan}


def test_export_holds_what_is_filtered_and_is_written_down(cast, plan, login):
    counted(cast, plan)
    make_task(cast, plan, post_of(cast.township_admin), title="=cmd()")
    answer = login(cast.leader).post(reverse("reports:task_export"), {"unit": cast.qingxi.pk})
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert [row[2] for row in rows[:-1]] == ["'=cmd()"]
    assert AuditEvent.objects.get(action="task.export").detail == {"rows": 1}


# --- lists ----------------------------------------------------------------------------------------------------------

HEAD = "任务 | 责任单位 | 责任人 | 完成时限 | 目标值"


def sent_list(cast, login, plan, text, **more):
    url = reverse("reports:plan_import", args=[plan.pk])
    return login(cast.district_office).post(url, {"text": text, **more})


def test_trial_of_a_list_writes_nothing_and_names_every_error(cast, plan, login):
    due = timezone.localdate() + timedelta(days=5)
    text = "\n".join(
        [
            "附件：任务清单",
            HEAD,
            f"修路 | 区交通运输局 | 周局长 | {due} | 24处",
            f"无主 |  |  | {due} |",
            f"错人 | 区交通运输局 | 钱镇管 | {due} |",
            "晚了 | 青溪镇 | 钱镇管 | 2044-01-01 |",
            f"修路 | 区交通运输局 | 周局长 | {due} |",
        ]
    )
    answer = sent_list(cast, login, plan, text, commit="1")
    assert answer.status_code == 422
    assert not WorkTask.objects.exists()
    wrong = [len(row["row"].errors) for row in answer.context["rows"]]
    assert wrong == [0, 1, 1, 1, 1]


def test_good_list_is_imported_once_with_targets_read(cast, login):
    campaign = make_campaign(cast)
    plan = make_plan(cast, campaign)
    due = timezone.localdate() + timedelta(days=5)
    rows = [
        f"修路\t区交通运输局\t周局长\t{due}\t24处",
        f"走访\t青溪镇\t\t{due.month}月{due.day}日\t入户率≥95%",
        f"建制度\t石桥村\t赵村官\t{due:%Y/%m/%d}\t建立机制",
    ]
    text = "\n".join([HEAD.replace(" | ", "\t"), *rows])
    assert sent_list(cast, login, plan, text).status_code == 200
    assert not WorkTask.objects.exists()
    assert sent_list(cast, login, plan, text, commit="1").status_code == 302
    found = [
        (task.measure, task.indicator, task.target, task.person.user.name) for task in plan.tasks.order_by("number")
    ]
    names = {task.title: task.due_on for task in plan.tasks.all()}
    assert found[0] == ("count", "", 24, "周局长")
    assert found[1] == ("indicator", "coverage", 95, "钱镇管")
    assert found[2] == ("done", "", None, "赵村官")
    assert set(names.values()) == {due}
    assert sent_list(cast, login, plan, text, commit="1").status_code == 422  # the second click finds them there
    assert plan.tasks.count() == 3


def workbook(rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("清单.xlsx", out.getvalue())


def word(rows):
    paper = docx.Document()
    table = paper.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    out = io.BytesIO()
    paper.save(out)
    return SimpleUploadedFile("附件.docx", out.getvalue())


@pytest.mark.parametrize("make", [workbook, word])
def test_workbook_or_word_file_becomes_text_in_the_box(cast, plan, login, make):
    due = str(timezone.localdate() + timedelta(days=5))
    file = make([HEAD.split(" | "), ["修路", "区交通运输局", "周局长", due, "24处"]])
    answer = sent_list(cast, login, plan, "", file=file)
    assert answer.status_code == 200
    assert f"修路 | 区交通运输局 | 周局长 | {due} | 24处" in answer.context["form"]["text"].value()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04junk word/", b"%PDF-1.7", b"\x89PNG....", b"PK\x03\x04"], ids=repr
)
def test_file_that_is_no_list_is_refused_in_words(content):
    with pytest.raises(ValidationError) as refused:
        text_of_upload(SimpleUploadedFile("清单.xlsx", content))
    assert refused.value.messages[0]


# --- files ----------------------------------------------------------------------------------------------------------


def test_document_of_a_plan_is_handed_out_to_those_who_see_the_plan(cast, plan, task, login):
    url = reverse("reports:plan_files", args=[plan.pk])
    assert login(cast.district_office).post(url, {"documents": upload(pdf(), "方案.pdf")}).status_code == 302
    file = WorkFile.objects.get()
    link = reverse("reports:plan_file", args=[plan.pk, file.pk])
    answer = login(cast.department_handler).get(link)
    assert answer.status_code == 200 and answer["Content-Disposition"].startswith("attachment")
    assert login(cast.outside_admin).get(link).status_code == 404


@pytest.mark.parametrize("content", [b"#!/bin/sh", b"MZ\x90", pdf(b"<</S/JavaScript>>")])
def test_document_that_could_run_is_refused(cast, plan, login, content):
    url = reverse("reports:plan_files", args=[plan.pk])
    answer = login(cast.district_office).post(url, {"documents": upload(content, "方案.pdf")})
    assert answer.status_code == 422 and not WorkFile.objects.exists()


# --- reminders ------------------------------------------------------------------------------------------------------


def test_each_rung_is_told_once_and_the_last_one_to_the_office_too(cast, task):
    WorkTask.objects.filter(pk=task.pk).update(starts_on=date(2026, 3, 2), due_on=date(2026, 3, 13))  # a Friday
    Notification.objects.all().delete()

    def told(user):
        return Notification.objects.filter(user=user, kind="task.reminder").count()

    for day, head, office in [
        (date(2026, 3, 5), 0, 0),
        (date(2026, 3, 6), 1, 0),  # 5 working days before
        (date(2026, 3, 11), 1, 0),
        (date(2026, 3, 12), 2, 0),
        (date(2026, 3, 13), 3, 0),
        (date(2026, 3, 14), 3, 0),  # a Saturday: nobody is told anything
        (date(2026, 3, 16), 4, 0),
        (date(2026, 3, 19), 4, 0),
        (date(2026, 3, 20), 5, 1),  # 5 working days late: the office too
        (date(2026, 3, 27), 5, 1),
    ]:
        moment = timezone.make_aware(datetime.combine(day, time(10)))
        for _twice in range(2):
            task_reminders.remind(moment)
        assert (told(cast.department_head), told(cast.district_office)) == (head, office), day


def test_nobody_is_reminded_of_what_is_done(cast, plan, task):
    plans.finish_task(task=task, by=cast.district_office, note="好")
    Notification.objects.all().delete()
    task_reminders.remind(timezone.now() + timedelta(days=30))
    assert not Notification.objects.exists()


# --- pages ----------------------------------------------------------------------------------------------------------


def test_report_and_judgement_through_the_pages(cast, task, login):
    url = reverse("reports:task_report", args=[task.pk])
    sent = login(cast.department_head).post(url, {"amount": "12", "text": "已修十二处", "evidence": upload(pdf())})
    assert sent.status_code == 302
    row = TaskReport.objects.get()
    judge = reverse("reports:task_judge", args=[task.pk, row.pk])
    assert login(cast.department_head).post(judge, {"accept": "1"}).status_code == 403
    assert login(cast.district_office).post(judge, {"accept": "0"}).status_code == 422
    assert login(cast.district_office).post(judge, {"accept": "1"}).status_code == 302
    assert login(cast.district_office).post(judge, {"accept": "1"}).status_code == 409
    task.refresh_from_db()
    assert task.reached == 12
    file = reverse("reports:task_file", args=[task.pk, row.files.get().pk])
    assert login(cast.leader).get(file).status_code == 200
    assert login(cast.outside_admin).get(file).status_code == 404
