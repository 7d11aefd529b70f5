"""The kernel's models, by topic."""

from outreach.models.district import (
    ADMIN_PERMISSIONS,
    AuditEvent,
    AuditEventQuerySet,
    CalendarDay,
    Campaign,
    CampaignQuerySet,
    Membership,
    Unit,
    UnitQuerySet,
    User,
    UserManager,
    UserQuerySet,
)
from outreach.models.messages import (
    Channel,
    Delivery,
    LeaderLink,
    MessageHours,
    Notification,
    PersonalChannel,
)

__all__ = [
    "ADMIN_PERMISSIONS",
    "AuditEvent",
    "AuditEventQuerySet",
    "CalendarDay",
    "Campaign",
    "CampaignQuerySet",
    "Channel",
    "Delivery",
    "LeaderLink",
    "Membership",
    "MessageHours",
    "Notification",
    "PersonalChannel",
    "Unit",
    "UnitQuerySet",
    "User",
    "UserManager",
    "UserQuerySet",
]
