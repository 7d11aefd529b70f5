from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IssuesConfig(AppConfig):
    name = "issues"
    verbose_name = _("issues")

    def ready(self) -> None:
        """Let every page say which routing rules are broken, and that a history does not hold."""
        from issues.history import chain_alarms
        from issues.rule_views import alarms  # views need loaded models
        from outreach.alarms import SOURCES

        SOURCES += [alarms, chain_alarms]
