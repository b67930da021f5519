"""OPERATORS.md is what `strop ops --markdown` prints.

python tests/operators_page_test.py STROP
"""

import subprocess
import sys
from pathlib import Path

page = Path(__file__).parents[1] / "OPERATORS.md"
printed = subprocess.run([sys.argv[1], "ops", "--markdown"], capture_output=True, check=True)
if printed.stdout != page.read_bytes():
    sys.exit("OPERATORS.md is not up to date; write it anew with: strop ops --markdown")
print("OPERATORS.md is up to date")
