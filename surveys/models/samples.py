"""Samples: what was drawn from, the draw itself, kept for good (migration 0004), and the calls to those drawn.

Nobody may learn from these tables what somebody answered, or whether. A case that is over says only that: how it
ended is counted in `CallTally` by stratum, together with others. Who was drawn is shown case by case to whoever calls.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households import idnumber
from households.models import Household
from outreach import access
from outreach.models import Unit, User
from surveys import sampling
from surveys.models.rounds import Round

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

DISTRICT_DIGITS = 6


class SampleList(models.Model):
    """An Excel list uploaded for a round, to draw from instead of the roster. Its rows are sealed, and go with the
    draw: only those drawn are kept."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="sample_list")
    filename = models.CharField(max_length=200)
    sealed = models.TextField(blank=True, help_text="idnumber.encrypt of the usable rows as JSON")
    row_count = models.PositiveIntegerField()
    faults = models.JSONField(default=list, help_text="[row, what is wrong]; quotes no name and no number")
    uploaded_at = models.DateTimeField(default=timezone.now)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("list to draw from")

    def __str__(self) -> str:
        return self.filename

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The usable rows: number, name, phones, unit (id), code. Empty after the draw."""
        return json.loads(idnumber.decrypt(self.sealed)) if self.sealed else []


class DrawQuerySet(models.QuerySet["Draw"]):
    """Draws in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> DrawQuerySet:
        """Those of the district, to posts of the district itself: no township or village learns who was drawn."""
        code = access.reach(user)
        if code is None or len(code) != DISTRICT_DIGITS:
            return self.none()
        return self.filter(round__district__code=code)


class Draw(models.Model):
    """A sample drawn for a round, once: nobody draws again until the sample pleases."""

    class Method(models.TextChoices):
        SIMPLE = "simple", _("simple random sample")
        STRATIFIED = "stratified", _("stratified by township")
        CLUSTERS = "clusters", _("villages by size, then households")

    class Source(models.TextChoices):
        ROSTER = "roster", _("households of the roster")
        LIST = "list", _("an Excel list")

    round = models.OneToOneField(Round, on_delete=models.PROTECT, related_name="draw")
    method = models.CharField(_("method"), max_length=12, choices=Method)
    source = models.CharField(_("drawn from"), max_length=10, choices=Source)
    seed = models.CharField(_("seed"), max_length=64)
    parameters = models.JSONField(help_text="size, equal | clusters, members; the areas' codes and what was left out")
    frame_size = models.PositiveIntegerField()
    frame_digest = models.CharField(max_length=64)
    drawn_at = models.DateTimeField(default=timezone.now)
    drawn_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = _("sample drawn")
        verbose_name_plural = _("samples drawn")

    def __str__(self) -> str:
        return f"{self.round}: {self.get_method_display()}"


class DrawFrame(models.Model):
    """What a sample was drawn from, apart from the draw: it may be some megabytes large."""

    draw = models.OneToOneField(Draw, on_delete=models.PROTECT, primary_key=True, related_name="frame")
    packed = models.BinaryField(help_text="zlib of a line of key, stratum, cluster for each entry; keys name nobody")

    class Meta:
        verbose_name = "frame of a draw"

    def __str__(self) -> str:
        return str(self.draw_id)

    @property
    def entries(self) -> list[sampling.Entry]:
        """The entries as they were drawn from."""
        text = zlib.decompress(bytes(self.packed)).decode()
        return [sampling.Entry(*line.split("\x1f")) for line in text.split("\n")]


def pack(frame: list[sampling.Entry]) -> bytes:
    """Return the frame as DrawFrame keeps it."""
    lines = sorted(f"{entry.key}\x1f{entry.stratum}\x1f{entry.cluster}" for entry in frame)
    return zlib.compress("\n".join(lines).encode(), 9)


class DrawnQuerySet(models.QuerySet["Drawn"]):
    """Cases in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> DrawnQuerySet:
        """One's own case while one holds it, and no other: there is no list of who was drawn."""
        return self.filter(
            draw__in=Draw.objects.visible_to(user), leased_by=user.pk, leased_until__gt=timezone.now(), state="open"
        )

    def open(self) -> DrawnQuerySet:
        """Those still to be called."""
        return self.filter(state=Drawn.State.OPEN)


class Drawn(models.Model):
    """One entry drawn, and how far calling it has come. What is drawn never changes."""

    class State(models.TextChoices):
        OPEN = "open", _("to call")
        OVER = "over", _("over")

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="drawn")
    key = models.CharField(max_length=20)
    stratum = models.CharField(max_length=20, blank=True)
    cluster = models.CharField(max_length=20, blank=True)
    position = models.PositiveIntegerField()
    probability = models.FloatField()
    of_clusters = models.PositiveIntegerField(default=0)
    of_members = models.PositiveIntegerField(default=0)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    turn = models.PositiveIntegerField(help_text="in which order they are called: by chance, not village by village")
    household = models.ForeignKey(Household, null=True, on_delete=models.SET_NULL, related_name="+")
    contact = models.TextField(
        blank=True, help_text="of a list: idnumber.encrypt of {name, phones}; goes with the round"
    )
    state = models.CharField(max_length=5, choices=State, default=State.OPEN)
    calls = models.PositiveSmallIntegerField(default=0)
    call_after = models.DateTimeField(default=timezone.now)
    has_appointment = models.BooleanField(default=False)
    leased_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    leased_until = models.DateTimeField(null=True)

    objects = DrawnQuerySet.as_manager()

    class Meta:
        verbose_name = _("household or person drawn")
        indexes = [
            models.Index(fields=["draw", "call_after", "turn"], name="surveys_drawn_next", condition=Q(state="open")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["draw", "key"], name="surveys_drawn_once"),
            # a caller holds one at a time
            models.UniqueConstraint(
                fields=["leased_by"], condition=Q(leased_by__isnull=False), name="surveys_drawn_one_each"
            ),
            models.CheckConstraint(
                name="surveys_drawn_lease_pair",
                condition=Q(leased_by=None, leased_until=None)
                | Q(leased_by__isnull=False, leased_until__isnull=False, state="open"),
            ),
            models.CheckConstraint(
                name="surveys_drawn_probability", condition=Q(probability__gt=0, probability__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return "somebody drawn"

    @property
    def weight(self) -> float:
        """How many entries of the frame it stands for."""
        return 1 / self.probability


class CallResult(models.TextChoices):
    """What came of a call, after the final disposition codes of AAPOR's Standard Definitions (10th ed., 2023)."""

    COMPLETE = "1.0", _("interview")
    REFUSED = "2.11", _("refused")
    BROKEN_OFF = "2.12", _("broken off")
    APPOINTMENT = "2.21", _("call again later")
    UNABLE = "2.32", _("cannot answer (illness, hearing, language)")
    BUSY = "3.12", _("busy")
    NO_ANSWER = "3.13", _("nobody answered")
    WRONG_NUMBER = "4.32", _("number not in service, or somebody else's")
    NOBODY_FIT = "4.70", _("no adult lives here")


class CallAttempt(models.Model):
    """A call after which the case stays open. The last one is not kept here: it would tell who answered."""

    drawn = models.ForeignKey(Drawn, on_delete=models.CASCADE, related_name="attempts")
    result = models.CharField(max_length=5, choices=CallResult)
    phone_number = models.PositiveSmallIntegerField(help_text="which of the numbers, from 1")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="surveys_callattempt_not_last", condition=Q(result__in=["2.12", "2.21", "3.12", "3.13", "4.32"])
            )
        ]

    def __str__(self) -> str:
        return self.get_result_display()


class CallTally(models.Model):
    """How many cases of a stratum ended in what way: all that is kept of it."""

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="tallies")
    stratum = models.CharField(max_length=20, blank=True)
    result = models.CharField(max_length=5, choices=CallResult)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "stratum", "result"], name="surveys_calltally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.result}: {self.count}"
