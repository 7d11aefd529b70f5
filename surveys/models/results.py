"""What is kept for reading: counts of answers, so that a page costs the same at any number of responses, and the
official poll's published results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.models import Unit, User
from surveys.models.rounds import Round

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Axis(models.TextChoices):
    """What a round's answers are divided by, besides the place."""

    ALL = "all", _("everybody")
    WEEK = "week", _("week")
    CHANNEL = "channel", _("channel")
    SEX = "sex", _("sex")
    AGE = "age", _("age band")


class Tally(models.Model):
    """How many of a group answered an item so: sums over the responses, which never change (tallying.py).

    Of a value: `n` respondents, the sum of their weights and of the weights squared. Of what has a numerator and a
    denominator for each respondent (a score, a number): also Σwa, Σwb, and Σw²a², Σw²ab, Σw²b². With stratum and
    cluster, what the variance under the design needs is all here. A village is not divided any further.
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="tallies")
    place = models.CharField(max_length=12)  # code of the district, township or village
    axis = models.CharField(max_length=10, choices=Axis)
    part = models.CharField(max_length=10, blank=True)  # which week, channel, sex, age band
    item = models.CharField(max_length=61)  # key; "key.row" of a matrix; or one of tallying.py's own
    value = models.CharField(max_length=40, blank=True)
    stratum = models.CharField(max_length=20, blank=True)
    cluster = models.CharField(max_length=20, blank=True)
    n = models.IntegerField()
    w = models.FloatField()
    ww = models.FloatField()
    wa = models.FloatField(default=0)
    wb = models.FloatField(default=0)
    aa = models.FloatField(default=0)
    ab = models.FloatField(default=0)
    bb = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "place", "axis", "part", "item", "value", "stratum", "cluster"],
                name="surveys_tally_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.round_id} {self.place} {self.axis} {self.part} {self.item} {self.value}"


FIRST_YEAR, LAST_YEAR = 2000, 2100


class PollResultQuerySet(models.QuerySet["PollResult"]):
    """Published results in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> PollResultQuerySet:
        """Those of the district the user's post belongs to."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code[:6])


class PollResult(models.Model):
    """The district's score and rank on an item of the official poll, as published, with the other counties' scores."""

    class Level(models.TextChoices):
        """Who asked and ranked."""

        PROVINCE = "province", _("province")
        CITY = "city", _("city")

    district = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(
        _("year"), validators=[MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)]
    )
    round = models.CharField(_("round"), max_length=30, blank=True)
    level = models.CharField(_("level"), max_length=10, choices=Level)
    item = models.CharField(_("item"), max_length=100)
    item_key = models.CharField(max_length=200, editable=False)  # tallying.item_key: without blanks and width
    score = models.DecimalField(_("score"), max_digits=8, decimal_places=3)
    full_marks = models.DecimalField(_("full marks"), max_digits=8, decimal_places=3, null=True, blank=True)
    rank = models.PositiveSmallIntegerField(_("rank"), null=True, blank=True)
    counties = models.PositiveSmallIntegerField(_("number of counties"), null=True, blank=True)
    peers = models.JSONField(_("other counties"), default=dict, blank=True, help_text="name → score as text")
    source = models.CharField(_("source"), max_length=200, blank=True)
    entered_at = models.DateTimeField(default=timezone.now, editable=False)
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = PollResultQuerySet.as_manager()

    class Meta:
        verbose_name = _("result of the official poll")
        verbose_name_plural = _("results of the official poll")
        ordering = ["-year", "-round", "level", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["district", "year", "round", "level", "item_key"],
                name="surveys_pollresult_once",
                violation_error_message=_("This result is entered already."),
            ),
            models.CheckConstraint(
                name="surveys_pollresult_rank",
                condition=Q(rank=None) | Q(rank__gte=1, counties=None) | Q(rank__gte=1, rank__lte=F("counties")),
                violation_error_message=_("The rank lies between 1 and the number of counties."),
            ),
            models.CheckConstraint(
                name="surveys_pollresult_score",
                condition=Q(score__gte=0) & (Q(full_marks=None) | Q(full_marks__gt=0, score__lte=F("full_marks"))),
                violation_error_message=_("The score lies between 0 and the full marks."),
            ),
            models.CheckConstraint(
                name="surveys_pollresult_year", condition=Q(year__gte=FIRST_YEAR, year__lte=LAST_YEAR)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.round} {self.item}"
