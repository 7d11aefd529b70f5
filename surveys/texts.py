"""The words of static/js/survey.js; %s stands for what it fills in."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def survey_texts() -> dict[str, str]:
    """Return the texts of static/js/survey.js in the language of the request."""
    return {
        "begin": pgettext("survey", "Begin"),
        "next": pgettext("survey", "Next"),
        "back": pgettext("survey", "Back"),
        "send": pgettext("survey", "Send"),
        "sending": _("Sending …"),
        "done": _("Thank you"),
        "progress": _("How far you are"),
        "explain": _("What is meant by this?"),
        "optional": _("May be left empty."),
        "choose": _("Several answers are possible."),
        "choose-most": _("Choose at most %s."),
        "dont_know": _("Don't know"),
        "refused": _("No answer"),
        "about": _("A few words about you"),
        "about-hint": _("All of this may be left out."),
        "sex": _("Sex"),
        "age_band": _("Age"),
        "township": _("Where do you live? Township or street"),
        "village": _("Village or community"),
        "not-told": _("Not told"),
        "offline": _("Not sent: no connection. Your answers are kept on this device; tap “Send” again."),
        "needed": _("Please choose or write an answer, or say that there is none."),
        "least-choices": _("Choose at least %s."),
        "most-choices": _("Choose at most %s."),
        "rows": _("Answer every line, or say that there is no answer."),
        "number": _("Write a number."),
        "whole": _("Write a whole number."),
        "least": _("At least %s."),
        "most": _("At most %s."),
        "date": _("Write a date."),
        "earliest": _("Not before %s."),
        "latest": _("Not after %s."),
        "length": _("At most %s characters."),
        "anonymous": _(
            "The answers are anonymous: nobody can see who gave them. What one does not wish to answer may be left out."
        ),
    }
