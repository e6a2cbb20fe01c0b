"""A short run of the crash test; `python -m tests.reliability.crash` is the long one."""

import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).parent.parent.parent


def test_twenty_crashes_lose_nothing() -> None:
    """Whatever was answered 200 right before a kill -9 is in the state that comes back, and is not announced again."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.reliability.crash", "--rounds", "20"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
