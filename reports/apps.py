from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = _("reports")

    def ready(self) -> None:
        """Let every page of those in charge say that frozen scores do not hold."""
        from outreach.alarms import SOURCES
        from reports.snapshot_alarms import snapshot_alarms  # needs loaded models

        SOURCES.append(snapshot_alarms)
