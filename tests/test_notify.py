"""Notifications become messages, messages leave by channels, and what becomes of each is known."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from time import sleep

import pytest
from django.urls import reverse
from django.utils import timezone

from outreach import sealing
from outreach.models import AuditEvent, Channel, Delivery, MessageHours, Notification, PersonalChannel
from outreach.notify import carriers, mark_read, notify, packing, retention, sending, setup
from tests.gateway import Gateway

pytestmark = pytest.mark.django_db
WORKING = datetime(2026, 11, 25, 2, tzinfo=UTC)  # a Wednesday, 10:00 in the district
EVENING = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOLIDAY = datetime(2026, 10, 1, 2, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def always(cast) -> MessageHours:
    """The district sends at any hour: the tests run at any hour."""
    return MessageHours.objects.create(
        district=cast.district, opens_at=time(0), closes_at=time(23, 59, 59), workdays_only=False
    )


def channel(unit, gateway, kind="webhook") -> Channel:
    more = {"text_field": "content", "token": ""} if kind in ("webhook", "sms") else {"secret": ""}
    more |= {"number_field": "mobile"} if kind == "sms" else {}
    sealed = sealing.seal({"url": gateway.url, **more})
    return Channel.objects.create(unit=unit, kind=kind, name="工作群", sealed=sealed, shown="x")


def by_sms(user) -> PersonalChannel:
    return PersonalChannel.objects.create(user=user, kind="sms", sealed=sealing.seal({"on": True}))


def tell(**fields) -> None:
    notify(**{"kind": "test", "title": "问题2026000001待签收", "url": "/issues/1/", "key": "k1", **fields})


def test_people_and_groups_are_told_once_however_often_it_is_asked(cast, gateway):
    group = channel(cast.roads, gateway)
    for _time in range(2):
        tell(users=[cast.department_handler, cast.department_head.pk], units=[cast.roads, cast.water])
    assert set(Notification.objects.values_list("user", "channel", "key")) == {
        (cast.department_handler.pk, None, "k1"),
        (cast.department_head.pk, None, "k1"),
        (None, group.pk, "k1"),
    }


def test_who_has_no_channel_is_told_in_the_inbox_alone(cast, always):
    tell(users=[cast.visitor])
    assert packing.pack(WORKING) == 0
    assert Notification.objects.get().packed_at == WORKING
    assert not Delivery.objects.exists()


def test_notices_of_one_group_leave_together_with_numbers_and_links(cast, gateway, settings):
    settings.SITE_URL = "https://qzgz.example.gov.cn"
    channel(cast.roads, gateway)
    tell(units=[cast.roads])
    tell(units=[cast.roads], title="问题2026000002待签收", url="/issues/2/", key="k2")
    assert packing.pack(WORKING) == 1
    message = Delivery.objects.get()
    assert message.title == "群众工作平台：2条提醒"
    assert message.text == (
        "1. 问题2026000001待签收\nhttps://qzgz.example.gov.cn/issues/1/\n"
        "2. 问题2026000002待签收\nhttps://qzgz.example.gov.cn/issues/2/"
    )
    assert message.notifications.count() == 2
    assert packing.pack(WORKING) == 0


def test_messages_wait_for_working_hours_and_working_days_but_urgent_ones_do_not(cast):
    by_sms(cast.visitor)
    tell(users=[cast.visitor])
    for moment in (EVENING, HOLIDAY):
        assert packing.pack(moment) == 0
    tell(users=[cast.visitor], key="k2", is_urgent=True)
    assert packing.pack(EVENING) == 1
    assert Delivery.objects.get().is_urgent
    assert packing.pack(WORKING) == 1


def test_reminders_leave_in_one_digest_a_person_a_day(cast):
    by_sms(cast.visitor)
    tell(users=[cast.visitor], in_digest=True)
    assert packing.pack(WORKING) == 1
    tell(users=[cast.visitor], in_digest=True, key="k2")
    assert packing.pack(WORKING + timedelta(hours=1)) == 0
    tell(users=[cast.visitor], key="k3")
    assert packing.pack(WORKING + timedelta(hours=2)) == 1
    assert packing.pack(WORKING + timedelta(days=1)) == 1
    assert list(Delivery.objects.order_by("pk").values_list("digest_on", flat=True)) == [
        WORKING.date(),
        None,
        WORKING.date() + timedelta(days=1),
    ]


@pytest.mark.parametrize("kind", ["webhook", "wecom", "dingtalk", "feishu"])
def test_group_message_arrives_and_is_sent(cast, gateway, always, kind):
    channel(cast.roads, gateway, kind)
    tell(units=[cast.roads])
    assert sending.run() == 1
    message = Delivery.objects.get()
    assert (message.state, message.tries, message.last_error) == ("sent", 1, "")
    assert message.sent_at is not None
    (body,) = gateway.bodies
    assert "问题2026000001待签收" in str(body)
    assert sending.run() == 0


def test_sms_goes_to_the_account_s_number_by_the_district_s_gateway(cast, gateway, always):
    channel(cast.district, gateway, "sms")
    by_sms(cast.visitor)
    tell(users=[cast.visitor])
    assert sending.run() == 1
    message = Delivery.objects.get()
    assert gateway.keys == [str(message.key)]
    assert gateway.bodies[0]["mobile"] == cast.visitor.phone
    assert set(gateway.bodies[0]) == {"mobile", "content"}


def test_refusal_with_http_200_is_a_failure_tried_again_and_given_up_after_six_tries(cast, gateway, always):
    channel(cast.roads, gateway, "wecom")
    gateway.answer = {"errcode": 93000, "errmsg": "invalid webhook url"}
    tell(units=[cast.roads])
    waits = []
    for _try in range(sending.MAX_TRIES):
        Delivery.objects.update(next_try_at=timezone.now())
        assert sending.run() == 1
        assert sending.run() == 0
        message = Delivery.objects.get()
        waits.append(message.next_try_at)
    assert (message.state, message.tries, message.last_error) == ("dead", 6, "93000 invalid webhook url")
    assert len(gateway.bodies) == 6
    assert waits[:-1] == sorted(waits[:-1])


def test_a_group_gets_at_most_twenty_messages_a_minute(cast, gateway, always):
    group = channel(cast.roads, gateway)
    other = channel(cast.water, gateway)
    for place in [group] * 23 + [other]:
        Delivery.objects.create(channel=place, district_code="439900", title="t", text="x")
    assert sending.run() == 21
    assert Delivery.objects.filter(channel=group, state="sent").count() == 20
    Delivery.objects.filter(state="sent").update(claimed_at=timezone.now() - timedelta(seconds=61))
    assert sending.run() == 3


def test_message_left_by_a_dead_worker_is_in_doubt_and_not_sent_again_unasked(cast, gateway, always, login):
    place = channel(cast.roads, gateway)
    message = Delivery.objects.create(
        channel=place, district_code="439900", title="t", text="x", state="sending", tries=1, claimed_at=timezone.now()
    )
    assert sending.run() == 0
    message.refresh_from_db()
    assert message.state == "doubt"
    assert gateway.bodies == []
    client = login(cast.district_office)
    assert "待核实" in client.get(reverse("deliveries")).content.decode()
    client.post(reverse("delivery_send", args=[message.pk]))
    assert AuditEvent.objects.filter(action="message.send_again").count() == 1
    assert sending.run() == 1
    message.refresh_from_db()
    assert (message.state, message.tries, gateway.keys) == ("sent", 2, [str(message.key)])
    client.post(reverse("delivery_send", args=[message.pk]))
    assert sending.run() == 0


def test_message_in_doubt_can_be_given_up(cast, gateway, login):
    place = channel(cast.roads, gateway)
    message = Delivery.objects.create(channel=place, district_code="439900", title="t", text="x", state="doubt")
    login(cast.system_admin).post(reverse("delivery_drop", args=[message.pk]))
    message.refresh_from_db()
    assert message.state == "dead"


def test_stuck_messages_of_another_district_do_not_exist(cast, gateway, login):
    place = channel(cast.roads, gateway)
    message = Delivery.objects.create(channel=place, district_code="439800", title="别处", text="x", state="dead")
    client = login(cast.district_office)
    assert "别处" not in client.get(reverse("deliveries")).content.decode()
    assert client.post(reverse("delivery_send", args=[message.pk])).status_code == 404


def test_inbox_counts_opens_and_clears(cast, login):
    for number in range(3):
        tell(users=[cast.visitor], key=f"k{number}", url=reverse("me"))
    tell(users=[cast.second_visitor], key="other", title="别人的")
    client = login(cast.visitor)
    page = client.get(reverse("inbox")).content.decode()
    assert page.count("问题2026000001待签收") == 3
    assert "别人的" not in page
    first = Notification.objects.of(cast.visitor)[0]
    assert client.post(reverse("notification_open", args=[first.pk]))["Location"] == reverse("me")
    assert Notification.objects.of(cast.visitor).unread().count() == 2
    client.post(reverse("inbox_read"))
    assert Notification.objects.of(cast.visitor).unread().count() == 0
    assert Notification.objects.of(cast.second_visitor).unread().count() == 1
    theirs = Notification.objects.of(cast.second_visitor).get()
    assert client.post(reverse("notification_open", args=[theirs.pk])).status_code == 404


def test_inbox_costs_the_same_for_one_and_thirty_notices(cast, login, django_assert_max_num_queries):
    client = login(cast.visitor)
    tell(users=[cast.visitor], key="first")
    client.get(reverse("inbox"))
    counts = []
    for _round in range(2):
        with django_assert_max_num_queries(30) as captured:
            client.get(reverse("inbox"))
        counts.append(len(captured))
        for number in range(29):
            tell(users=[cast.visitor], key=f"k{number}")
    assert counts[0] == counts[1]


def test_channel_s_secrets_are_encrypted_and_never_shown_again(cast, login, gateway):
    client = login(cast.system_admin)
    url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123-secret-key-9876"
    response = client.post(reverse("channel_new_wecom"), {"name": "交通局群", "unit": cast.roads.pk, "url": url})
    assert response.status_code == 302
    stored = Channel.objects.get()
    assert stored.settings() == {"url": url, "secret": ""}
    assert "secret-key" not in stored.sealed + stored.shown
    for page in (reverse("channels"), reverse("channel_edit", args=[stored.pk])):
        assert "secret-key" not in client.get(page).content.decode()
    client.post(reverse("channel_edit", args=[stored.pk]), {"name": "新名", "unit": cast.roads.pk, "url": ""})
    stored.refresh_from_db()
    assert (stored.name, stored.settings()["url"]) == ("新名", url)


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [(200, {"errcode": 0}, ""), (200, {"errcode": 300001, "errmsg": "token"}, "300001 token"), (500, {}, "HTTP 500")],
)
def test_test_message_reports_what_the_other_side_said(cast, login, gateway, status, answer, error):
    place = channel(cast.roads, gateway, "dingtalk")
    gateway.status, gateway.answer = status, answer
    page = login(cast.system_admin).post(reverse("channel_test", args=[place.pk]), follow=True).content.decode()
    place.refresh_from_db()
    assert place.tested_at is not None
    assert place.test_error == error
    assert (error or "已接收测试消息") in page
    assert len(gateway.bodies) == 1


def test_test_message_to_nobody_listening_reports_no_connection(cast, login, gateway):
    place = channel(cast.roads, gateway, "feishu")
    gateway.close()
    login(cast.system_admin).post(reverse("channel_test", args=[place.pk]))
    place.refresh_from_db()
    assert place.test_error == "无法连接：ConnectionError"


def test_own_robot_must_live_at_a_known_host(cast, login):
    client = login(cast.visitor)
    bad = {"wecom-is_on": "on", "wecom-url": "https://127.0.0.1/internal?key=1"}
    assert client.post(reverse("my_channels"), bad).status_code == 400
    assert not PersonalChannel.objects.exists()
    good = {"wecom-is_on": "on", "wecom-url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc"}
    assert client.post(reverse("my_channels"), {**good, "sms-is_on": "on"}).status_code == 302
    assert set(PersonalChannel.objects.filter(is_active=True).values_list("kind", flat=True)) == {"wecom", "sms"}
    client.post(reverse("my_channels"), {"sms-is_on": "on"})
    assert set(PersonalChannel.objects.filter(is_active=True).values_list("kind", flat=True)) == {"sms"}
    assert PersonalChannel.objects.get(kind="wecom").sealed == ""


def test_hours_are_the_district_s_own(cast, login):
    client = login(cast.system_admin)
    form = {"opens_at": "08:00", "closes_at": "20:30", "workdays_only": "on", "keep_days": "365"}
    assert client.post(reverse("message_hours"), form).status_code == 302
    assert str(setup.hours_of(cast.system_admin)) == "08:00–20:30"
    assert client.post(reverse("message_hours"), {**form, "closes_at": "07:00"}).status_code == 400
    by_sms(cast.visitor)
    tell(users=[cast.visitor])
    assert packing.pack(EVENING) == 1  # 20:00


def test_old_notices_and_messages_are_forgotten_but_not_those_on_their_way(cast, gateway):
    place = channel(cast.roads, gateway)
    long_ago = timezone.now() - timedelta(days=181)
    for key, state in (("old", "sent"), ("stuck", "failed")):
        tell(units=[cast.roads], users=[cast.visitor], key=key)
        sent = long_ago if state == "sent" else None
        message = Delivery.objects.create(
            channel=place, district_code="439900", title=key, text="x", state=state, created_at=long_ago, sent_at=sent
        )
        message.notifications.set(Notification.objects.filter(channel=place, key=key))
    Notification.objects.update(created_at=long_ago, packed_at=long_ago)
    tell(users=[cast.visitor], key="new")
    retention.forget()
    assert list(Delivery.objects.values_list("title", flat=True)) == ["stuck"]
    assert set(Notification.objects.values_list("key", "channel")) == {("stuck", place.pk), ("new", None)}


def test_reading_again_changes_nothing(cast):
    tell(users=[cast.visitor])
    assert (mark_read(by=cast.visitor), mark_read(by=cast.visitor)) == (1, 0)


def sms_in_the_queue(cast, gateway) -> None:
    channel(cast.district, gateway, "sms")
    by_sms(cast.visitor)
    tell(users=[cast.visitor])


def test_gateway_that_takes_a_message_and_falls_silent_leaves_it_in_doubt(cast, always, monkeypatch):
    monkeypatch.setattr(carriers, "TIMEOUT", (1.0, 0.2))
    gateway = Gateway(on_message=lambda: sleep(0.6))
    sms_in_the_queue(cast, gateway)
    sending.run()
    Delivery.objects.update(next_try_at=timezone.now())
    assert sending.run() == 0
    gateway.close()
    message = Delivery.objects.get()
    assert (message.state, message.tries, len(gateway.bodies)) == ("doubt", 1, 1)


def test_gateway_that_cannot_be_reached_or_refuses_is_tried_again(cast, gateway, always):
    sms_in_the_queue(cast, gateway)
    gateway.status = 503
    sending.run()
    assert (Delivery.objects.get().state, Delivery.objects.get().last_error) == ("failed", "HTTP 503")
    gateway.close()
    Delivery.objects.update(next_try_at=timezone.now())
    sending.run()
    message = Delivery.objects.get()
    assert (message.state, message.tries, message.last_error) == ("failed", 2, "无法连接：ConnectionError")


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that answers as `at` says: "" takes all, else falls silent after (data) or before (mail) it."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, silent: str = "", refuse: str = "") -> None:
        self.silent, self.refuse, self.letters = silent, refuse, []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    word = line.split(":")[0].split()[0].lower()
                    if word == server.refuse:
                        self.say("550 no")
                    elif word == server.silent == "mail":
                        return
                    elif word == "data":
                        self.say("354 go on")
                        letter = b""
                        while (row := self.rfile.readline()) not in (b".\r\n", b""):
                            letter += row
                        server.letters.append(letter)
                        if server.silent == "data":
                            return sleep(0.6)
                        self.say("250 taken")
                    else:
                        self.say("221 bye" if word == "quit" else "250 ok")
                    if word == "quit":
                        return None

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def carrier(self) -> carriers.Mail:
        settings = {"host": "127.0.0.1", "port": self.server_address[1], "security": "insecure"}
        return carriers.mail({**settings, "sender": "qzgz@example.gov.cn"}, "zhang@example.gov.cn", "k-1")


@pytest.mark.parametrize(
    ("server", "sent", "known", "letters"),
    [
        ({}, True, True, 1),
        ({"silent": "data"}, False, False, 1),
        ({"silent": "mail"}, False, True, 0),
        ({"refuse": "rcpt"}, False, True, 0),
    ],
)
def test_mail_is_in_doubt_only_where_the_server_fell_silent_after_taking_it(server, sent, known, letters, monkeypatch):
    monkeypatch.setattr(carriers, "TIMEOUT", (1.0, 0.2))
    with MailServer(**server) as place:
        answer = carriers.hand_over(place.carrier(), "问题待签收", "请登录查看")
        place.shutdown()
    assert (answer.is_sent, answer.is_known, len(place.letters)) == (sent, known, letters)
    assert bool(answer.error) is not sent
    assert all(b"X-Idempotency-Key: k-1" in letter for letter in place.letters)
