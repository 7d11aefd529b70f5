"""Static files under names that say what they hold."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Our modules name each other by their hashed names: else a browser, or the phone's service worker, would run a
    new module with an old one that it still has."""

    support_js_module_import_aggregation = True
    # ours alone: what looks like an import in others' files (htmx's documentation) names files that do not exist
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
