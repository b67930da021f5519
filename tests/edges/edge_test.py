"""What data mean: the loss of the first step and of all rows is PyTorch's, or the refusal says why.

python tests/edges/edge_test.py build/release/strop [--only PART]
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from cases import BATCH, Case, Written, all_cases

from models import linear

GOLDENS = json.loads(pathlib.Path(__file__).with_name("goldens.json").read_text())
TOLERANCE = 1e-6


def run(program: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def last_json(text: str) -> dict:
    """The first line of `train --json --log-every 1`, the only object of `evaluate --json`."""
    return json.loads(text.splitlines()[0])


class Difference(Exception):
    pass


def check_refusal(done: subprocess.CompletedProcess, words: str, code: int) -> None:
    lines = done.stderr.splitlines()
    if done.returncode != code or not lines or words not in lines[-1] or done.stdout:
        found = f"exit {done.returncode}: {done.stderr}{done.stdout}"
        raise Difference(f"expected exit {code} and {words!r}, found {found}")


def check_loss(done: subprocess.CompletedProcess, name: str, expected: float) -> None:
    if done.returncode != 0:
        raise Difference(f"expected loss {expected}, found exit {done.returncode}: {done.stderr}")
    found = last_json(done.stdout)[name]
    if not np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        raise Difference(f"expected loss {expected}, found {found}; {done.stderr}")


def check_case(program: str, case: Case) -> str:
    """Empty, or what went wrong."""
    with tempfile.TemporaryDirectory(prefix="strop-edge-") as name:
        folder = pathlib.Path(name)
        written = case.write(folder)
        model = folder / "model.onnx"
        batch = BATCH if case.batch == "fixed" else "n"
        model.write_bytes(linear(case.sample, batch).SerializeToString())
        try:
            check_program(program, case, written, model)
        except Difference as difference:
            return f"{case.name}: {difference}"
    return ""


def check_program(program: str, case: Case, written: Written, model: pathlib.Path) -> None:
    shared = ["--data", written.data, "--loss", case.loss, "--batch-size", BATCH, *written.options]
    train = ["train", model, *shared, "--no-shuffle", "--steps", 1, "--json", "--log-every", 1]
    train += ["--optimizer", "sgd", "--learning-rate", 0, "-o", model.with_name("out.onnx")]
    evaluate = ["evaluate", model, *shared, "--json"]
    if written.refusal:
        check_refusal(run(program, *train), written.refusal, 65)
        check_refusal(run(program, *evaluate), written.refusal, 65)
        return
    first, whole = GOLDENS[case.name]
    if case.batch == "fixed" and case.rows % BATCH:
        check_refusal(run(program, *train), "--drop-last", 65)
        train.append("--drop-last")
    check_loss(run(program, *train), "loss", first)
    check_loss(run(program, *evaluate), "loss", whole)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default="", help="part of the names of the cases to run")
    arguments = parser.parse_args()
    cases = [case for case in all_cases() if arguments.only in case.name]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda case: check_case(arguments.program, case), cases)
        wrong = [difference for difference in found if difference]
    for difference in wrong:
        print(difference.strip())
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
