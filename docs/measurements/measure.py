"""Measures what the pages of concepts show: python measure.py FOLDER [NAME…], with `strop` on the
PATH and its package to import. FOLDER is for work; the numbers go beside this file, NAME.json each.
"""

import shutil
import sys
from pathlib import Path

import studies
from experiments import EXPERIMENTS
from laboratory import Laboratory, save

folder = Path(sys.argv[1])
for name in sys.argv[2:] or [*studies.STUDIES, *EXPERIMENTS]:
    shutil.rmtree(folder / name, ignore_errors=True)
    laboratory = Laboratory(folder / name)
    rows = (folder / name / "digits.csv").read_text().splitlines(keepends=True)
    # Every fifth row is held out.
    (folder / name / "held_out.csv").write_text("".join(rows[:1] + rows[1::5]))
    kept = [row for i, row in enumerate(rows[1:]) if i % 5]
    (folder / name / "train.csv").write_text("".join(rows[:1] + kept))
    measured = (
        EXPERIMENTS[name](laboratory) if name in EXPERIMENTS else studies.measure(laboratory, name)
    )
    save(name, measured)
