"""Chain the histories there are. What is known of each issue today stands in for what its first step recorded."""

from django.db import connection, migrations

from issues import chain

BATCH = 1000


def chain_all(apps, schema_editor):
    """Number and chain the events of each issue; its photos came with its first event."""
    Issue = apps.get_model("issues", "Issue")
    with connection.cursor() as cursor:
        # the table takes no UPDATE otherwise; the lock keeps everybody else out meanwhile
        cursor.execute("ALTER TABLE issues_issueevent DISABLE TRIGGER issues_issueevent_no_change")
    last = 0
    while issues := list(Issue.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        chain_some(apps, issues)
        last = issues[-1].pk
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks still to come takes no ALTER
        cursor.execute("ALTER TABLE issues_issueevent ENABLE TRIGGER issues_issueevent_no_change")


def chain_some(apps, issues):
    """Chain the events of these issues."""
    Issue, IssueEvent, Attachment = (apps.get_model("issues", name) for name in ("Issue", "IssueEvent", "Attachment"))
    events, photos = {}, {}
    for event in IssueEvent.objects.filter(issue__in=issues).order_by("issue_id", "pk"):
        events.setdefault(event.issue_id, []).append(event)
    for photo in Attachment.objects.filter(issue__in=issues).order_by("pk"):
        photos.setdefault(photo.issue_id, []).append(photo)
    for issue in issues:
        own = events.setdefault(issue.pk, [])
        if not own:
            opening = IssueEvent(
                issue=issue,
                at=issue.recorded_at,
                by_id=issue.recorded_by_id,
                by_unit_id=issue.unit_id,
                move="open",
                to_state=issue.state,
                to_unit_id=issue.unit_id,
            )
            opening.save()
            own.append(opening)
        own[0].detail = first_detail(issue, photos.get(issue.pk, ()))
        previous = chain.GENESIS
        for seq, event in enumerate(own, 1):
            event.seq, event.previous_hash = seq, previous
            previous = event.hash = chain.digest(canonical(issue.number, event))
        issue.event_count, issue.head_hash = len(own), previous
        for photo in photos.get(issue.pk, ()):
            photo.event = own[0]
    IssueEvent.objects.bulk_update(
        [event for own in events.values() for event in own], ["seq", "previous_hash", "hash", "detail"], BATCH
    )
    Issue.objects.bulk_update(issues, ["event_count", "head_hash"], BATCH)
    Attachment.objects.bulk_update([photo for own in photos.values() for photo in own], ["event"], BATCH)


def first_detail(issue, photos):
    """What the first step of an issue records."""
    facts = {
        "text": issue.text,
        "kind": issue.kind,
        "category": issue.category_id,
        "is_urgent": issue.is_urgent,
        "place": issue.place_id,
        "household": issue.household_id,
    }
    files = [photo.sha256 for photo in photos]
    return {"facts": facts, **({"files": files} if files else {})}


def canonical(number, event):
    """The text the hash covers; a migration's models have no methods of their own."""
    return chain.canonical(
        number=number,
        seq=event.seq,
        previous=event.previous_hash,
        at=event.at,
        actor=event.actor,
        by=event.by_id,
        by_unit=event.by_unit_id,
        move=event.move,
        from_state=event.from_state,
        to_state=event.to_state,
        from_unit=event.from_unit_id,
        to_unit=event.to_unit_id,
        reason=event.reason,
        note=event.note,
        detail=event.detail,
    )


class Migration(migrations.Migration):
    dependencies = [("issues", "0016_chain_columns")]
    operations = [migrations.RunPython(chain_all, migrations.RunPython.noop)]
