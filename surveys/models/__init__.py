"""Models of surveys, by topic."""

from surveys.models.questionnaires import Questionnaire, Version
from surveys.models.results import Axis, PollResult, Tally
from surveys.models.rounds import AgeBand, Channel, Receipt, Response, Round, Sex, Waiting

__all__ = [
    "AgeBand",
    "Axis",
    "Channel",
    "PollResult",
    "Questionnaire",
    "Receipt",
    "Response",
    "Round",
    "Sex",
    "Tally",
    "Version",
    "Waiting",
]
