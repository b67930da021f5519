"""What a run without a network leaves in its folder, read from wandb's own records."""

import json
import os
import pathlib
import tempfile
import unittest

import strop
import wandb
from program import ProgramTest, linear_model
from strop.integrations.wandb import WandbCallback

# What wandb keeps for all its runs, elsewhere than in the home; it reads this once.
KEPT = tempfile.TemporaryDirectory()
for name in ("CACHE", "CONFIG", "DATA"):
    os.environ[f"WANDB_{name}_DIR"] = KEPT.name
os.environ["WANDB_SILENT"] = "true"


class WandbTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        samples, other = self.samples(count=24), self.samples(count=24, seed=5)
        self.data = (samples["x"], samples["target"])
        self.validation = (other["x"], other["target"])
        self.model = strop.load(self.save(linear_model(hidden=8)))

    def run_of_wandb(self) -> wandb.Run:
        return wandb.init(project="test", mode="offline", dir=self.folder)

    def fit(self, callback: WandbCallback) -> strop.History:
        trainer = strop.Trainer(self.model, metric="accuracy", batch_size=8, optimizer="sgd")
        validation = self.validation
        return trainer.fit(*self.data, validation_data=validation, epochs=3, callbacks=[callback])

    def records(self) -> list[object]:
        wandb.teardown()  # writes what the end of a run leaves for later
        [file] = self.folder.glob("wandb/offline-run-*/run-*.wandb")
        return list(records_of(file))

    def test_epochs_steps_and_options_are_in_the_folder(self) -> None:
        with self.run_of_wandb():
            history = self.fit(WandbCallback(log_freq=3))
        rows, config, summary = [], {}, {}
        for record in self.records():
            if record.HasField("history"):
                rows.append(values_of(record.history.item))
            if record.HasField("run"):
                config |= values_of(record.run.config.update)
            if record.HasField("config"):
                config |= values_of(record.config.update)
            if record.HasField("summary"):
                summary |= values_of(record.summary.update)
        epochs = [row for row in rows if "epoch/epoch" in row]
        self.assertEqual([row["epoch/epoch"] for row in epochs], [1, 2, 3])
        for name, values in history.history.items():
            self.assertEqual([row[f"epoch/{name}"] for row in epochs], values)
        steps = [row["batch/step"] for row in rows if "batch/loss" in row]
        self.assertEqual(steps, [3, 6, 9])
        self.assertNotIn("batch/gradient_norm", rows[0])  # which was not measured
        expected = {"epochs": 3, "batch_size": 8, "loss": "cross_entropy", "optimizer": "sgd"}
        self.assertEqual({name: config[name] for name in expected}, expected)
        self.assertEqual(summary["best_epoch"], history.best_epoch)

    def test_the_model_is_an_artifact(self) -> None:
        with self.run_of_wandb():
            self.fit(WandbCallback(log_model=True))
        [artifact] = [each.artifact for each in self.records() if each.HasField("artifact")]
        self.assertEqual(artifact.type, "model")
        [entry] = artifact.manifest.contents
        self.assertEqual(entry.path, "model.onnx")
        self.assertEqual(pathlib.Path(entry.local_path).read_bytes(), self.model.to_bytes())

    def test_what_cannot_be_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, r"expected wandb.init\(\) before fit"):
            self.fit(WandbCallback())
        with self.assertRaisesRegex(ValueError, "found log_freq='step', expected epoch"):
            WandbCallback(log_freq="step")


def values_of(items: object) -> dict[str, object]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def records_of(file: pathlib.Path) -> object:
    """A file of LevelDB's log format behind a header of 7 bytes: blocks of 32 KiB, of pieces with
    a checksum (4), a length (2) and a kind (1: whole, 2: first, 3: middle, 4: last)."""
    from wandb.proto import wandb_internal_pb2

    content, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


if __name__ == "__main__":
    unittest.main()
