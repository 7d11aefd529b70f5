"""Telling people: `notify` writes notifications, packing makes messages of them, sending sends them.

docs/decisions/0009-notifications.md says how a killed worker loses none and doubles none.
"""

from outreach.notify.create import mark_read, notify

__all__ = ["mark_read", "notify"]
