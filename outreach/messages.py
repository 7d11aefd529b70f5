"""Compile the message catalogues: `python -m outreach.messages`. Pure Python, where Django's command needs msgfmt.

Reads no settings: it runs before everything else, also where a variable is still missing.
"""

from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compile_all(locale: Path) -> list[str]:
    """Write each .po below `locale` as .mo where that is missing or older; return one line for each one written."""
    done = []
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
            continue
        catalogue = polib.pofile(str(source))
        part = target.with_suffix(".mo.part")  # a program reading the old one must not see half a new one
        catalogue.save_as_mofile(str(part))
        part.replace(target)
        done.append(f"{target.relative_to(locale)}: {len(catalogue.translated_entries())} messages compiled")
    return done


if __name__ == "__main__":
    for line in compile_all(LOCALE):
        print(line)
