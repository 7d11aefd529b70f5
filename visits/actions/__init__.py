"""What changes visits, duties and campaigns. Nothing else writes to these models."""

from visits.actions.assign import (
    Place,
    Selection,
    assign_by_pairing,
    assign_evenly,
    assign_from_rows,
    assign_one,
    assign_places,
    unassign,
)
from visits.actions.campaigns import close_campaign, open_campaign, refresh_roster, save_campaign, save_standard
from visits.actions.confirm import ask_recheck, confirm_off_roster, confirm_unreachable
from visits.actions.pairing import end_pairing, pair_household
from visits.actions.record import Receipt, Result, record_visit
from visits.actions.rollup import roll_up_assignment

__all__ = [
    "Place",
    "Receipt",
    "Result",
    "Selection",
    "ask_recheck",
    "assign_by_pairing",
    "assign_evenly",
    "assign_from_rows",
    "assign_one",
    "assign_places",
    "close_campaign",
    "confirm_off_roster",
    "confirm_unreachable",
    "end_pairing",
    "open_campaign",
    "pair_household",
    "record_visit",
    "refresh_roster",
    "roll_up_assignment",
    "save_campaign",
    "save_standard",
    "unassign",
]
