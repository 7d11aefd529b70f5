"""Run the measurements: `make bench`, or `python -m bench.run NAME…` for bench/bench_NAME.py alone.

Each bench_*.py has `def measure() -> Iterable[Figure]`. It is called in a process of its own, with a data folder of its
own that is empty but migrated (VAR_DIR/bench/NAME, removed afterwards), whatever DATABASE_URL says. Every figure is
printed as `name value unit <=|>= limit`; the exit code is 1 if a limit is missed or a measurement fails.
"""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from outreach import embedded

FOLDER = Path(__file__).resolve().parent


def measure(name: str) -> bool:
    """Run one measurement in this process and print its figures; say whether all limits are kept."""
    import django
    from django.core.management import call_command

    embedded.start_if_unset()
    django.setup()
    call_command("migrate", verbosity=0)
    kept = True
    for figure in importlib.import_module(f"bench.bench_{name}").measure():
        print(figure, flush=True)
        kept = kept and figure.met()
        if not figure.met():
            print(f"{figure.name} misses its limit", file=sys.stderr)
    return kept


def run(name: str) -> bool:
    """Run one measurement in a process and a data folder of its own; say whether all limits are kept."""
    folder = embedded.var_dir() / "bench" / name
    shutil.rmtree(folder, ignore_errors=True)
    # empty, not absent: a variable that is absent may come back from .env
    variables = {"VAR_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": "", "DEMO": "1"}
    environment = os.environ | variables | {"DJANGO_SETTINGS_MODULE": "outreach.settings"}
    command = [sys.executable, "-m", "bench.run", "--here", name]
    try:
        return subprocess.run(command, cwd=FOLDER.parent, env=environment, check=False).returncode == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run what the command line names, or everything; return the exit code."""
    names = sys.argv[1:]
    if names[:1] == ["--here"]:
        try:
            return 0 if measure(names[1]) else 1
        except embedded.EmbeddedError as error:
            sys.exit(str(error))
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    if unknown := set(names) - set(known):
        sys.exit(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    embedded.read_env()
    kept = [run(name) for name in names or known]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
