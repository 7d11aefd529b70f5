"""Models of surveys, by topic."""

from surveys.models.questionnaires import Questionnaire, Version
from surveys.models.rounds import AgeBand, Channel, Receipt, Response, Round, Sex, Waiting

__all__ = [
    "AgeBand",
    "Channel",
    "Questionnaire",
    "Receipt",
    "Response",
    "Round",
    "Sex",
    "Version",
    "Waiting",
]
