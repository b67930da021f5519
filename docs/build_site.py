"""Builds the site: python docs/build_site.py FOLDER, in the environment of `scripts/setup --docs`,
with the package `strop` to import. Whatever Sphinx warns of is an error."""

import os
import sys
from pathlib import Path

from sphinx.cmd.build import main

os.environ.setdefault("OMP_NUM_THREADS", "1")  # notebooks train small networks
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
folder = Path(sys.argv[1])
cache = folder.with_name(folder.name + "-cache")
sys.exit(
    main(
        ["-b", "html", "-q", "-E", "-a", "-W", "--keep-going", "-d", str(cache)]
        + [str(Path(__file__).parent), str(folder)]
    )
)
