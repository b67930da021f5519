"""Writes digits.csv.gz: the handwritten digits that scikit-learn carries, one row an image.

    python models/data/make_digits.py [--check]

The test part of E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
Learning Repository (1998), doi:10.24432/C50P49, CC BY 4.0: 1,797 images of 8×8 pixels from 0 to 16,
written by 13 people. Nothing is changed but the form.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

OUTPUT = Path(__file__).with_name("digits.csv.gz")


def main() -> None:
    digits = load_digits()
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    rows = np.column_stack([digits.data, digits.target]).astype(int)
    lines = [",".join([*names, "target"]), *(",".join(map(str, row)) for row in rows)]
    text = ("\n".join(lines) + "\n").encode()
    if sys.argv[1:] == ["--check"]:
        sys.exit(gzip.decompress(OUTPUT.read_bytes()) != text)
    OUTPUT.write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
