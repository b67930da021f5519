"""docs/options.md is what `strop --option-page` prints.

python tests/options_page_test.py STROP
"""

import subprocess
import sys
from pathlib import Path

page = Path(__file__).parents[1] / "docs" / "options.md"
printed = subprocess.run([sys.argv[1], "--option-page"], capture_output=True, check=True)
if printed.stdout != page.read_bytes():
    sys.exit("docs/options.md is not up to date; write it anew with: strop --option-page")
print("docs/options.md is up to date")
