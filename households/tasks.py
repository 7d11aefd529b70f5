"""What workers do for rosters. Each task takes an id and is safe to run twice: the action looks at the state first."""

from __future__ import annotations

from celery import shared_task


@shared_task
def check_roster(import_id: int) -> None:
    """Read, check, stage and match an uploaded file."""
    from households.roster import actions

    actions.check_import(import_id=import_id)


@shared_task
def commit_roster(import_id: int) -> None:
    """Write a checked file."""
    from households.roster import actions

    actions.commit_import(import_id=import_id)


@shared_task
def undo_roster(import_id: int) -> None:
    """Take a committed import back."""
    from households.roster import actions

    actions.undo_import(import_id=import_id)


STEPS = {"check": check_roster, "commit": commit_roster, "undo": undo_roster}


@shared_task
def resume_rosters() -> None:
    """Queue again what a killed worker left behind; a worker still at it makes the second one go home."""
    from households.roster import actions

    for import_id, step in actions.stuck():
        STEPS[step].delay(import_id)


@shared_task
def forget_rosters() -> None:
    """Delete what is not needed any more of old imports: files, staged rows, errors, images of what was before."""
    from households.roster import actions

    actions.forget_old()
