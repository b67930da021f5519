"""`strop tune` against trainings one by one, and its points against SciPy's."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

import numpy as np
from program import PROGRAM, ProgramTest, linear_model, run
from scipy.stats import qmc

# Numbers between 0 and 1 that `strop train` takes.
NUMBERS = (
    "learning-rate weight-decay momentum beta1 beta2 label-smoothing epsilon alpha clip-norm "
    "clip-value huber-delta positive-weight random-horizontal-flip random-vertical-flip "
    "random-erasing mixup cutmix dampening"
).split()


class TuneTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model())
        self.data = self.save_data(**self.samples(count=40))
        self.fixed = ["--data", self.data, "--validation-split", "0.5", "--epochs", "4"]
        self.output = self.path("best.onnx")

    def tune(self, *options: object) -> list[dict]:
        arguments = [self.model, *self.fixed, "-o", self.output, "--json", *options]
        return [json.loads(line) for line in self.run_well("tune", *arguments).stdout.splitlines()]

    def train(self, *options: object) -> list[dict]:
        arguments = [self.model, *self.fixed, "-o", self.path("one.onnx"), "--json"]
        arguments += ["--threads", "1", *options]
        return [json.loads(line) for line in self.run_well("train", *arguments).stdout.splitlines()]

    def test_sobol_points_are_scipys(self) -> None:
        search = [word for name in NUMBERS for word in ("--search", f"{name}=uniform:0:1")]
        rows = self.tune(*search, "--strategy", "sobol", "--trials", "100", "--dry-run")
        found = np.array([[row["options"][name] for name in NUMBERS] for row in rows])
        sobol = qmc.Sobol(len(NUMBERS), scramble=False).fast_forward(1)
        np.testing.assert_allclose(found, sobol.random(100), rtol=1e-5)

    def test_scales(self) -> None:
        search = ["--search", "learning_rate=log:1e-5:1e-1", "--search", "random-crop=int:1:3"]
        search += ["--search", "optimizer=sgd,adam", "--search", "nesterov=true,false"]
        rows = self.tune(*search, "--trials", "600", "--dry-run")
        rates = np.sort([np.log10(row["options"]["learning-rate"]) for row in rows])
        even = -5 + 4 * (np.arange(600) + 0.5) / 600
        self.assertLess(abs(rates - even).max(), 4 * 0.11)  # Kolmogorov and Smirnov at 1e-6
        for name, values in (("random-crop", (1, 2, 3)), ("optimizer", ("sgd", "adam"))):
            counts = [sum(row["options"][name] == value for row in rows) for value in values]
            self.assertEqual(sum(counts), 600)
            self.assertLess(abs(np.array(counts) - 600 / len(values)).max(), 70)
        self.assertEqual(rows, self.tune(*search, "--trials", "600", "--dry-run"))
        other = self.tune(*search, "--trials", "600", "--dry-run", "--search-seed", "1")
        self.assertNotEqual(rows, other)

    def space(self, text: str) -> list:
        self.path("space.toml").write_text(text)
        return ["--search-space", self.path("space.toml")]

    def test_a_space_in_a_file_is_that_of_options(self) -> None:
        file = self.space(
            """learning_rate = {min = 1e-5, max = 1e-1, scale = "log"}
            optimizer = ["sgd", "adam"]
            nesterov = {values = [true, false]}
            weight-decay = {min = 0, max = 0.5, type = "float"}
            [random-crop]
            min = 1
            max = 9
            step = 4
            """
        )
        typed = ["learning-rate=log:1e-5:1e-1", "optimizer=sgd,adam", "nesterov=true,false"]
        typed += ["weight-decay=uniform:0:0.5", "random-crop=int:1:9:4"]
        search = [word for text in typed for word in ("--search", text)]
        rows = self.tune(*file, "--trials", "50", "--dry-run")
        self.assertEqual(rows, self.tune(*search, "--trials", "50", "--dry-run"))
        self.assertEqual({row["options"]["random-crop"] for row in rows}, {1, 5, 9})
        for grid, expected in (
            ("{min = 8, max = 32, step = 8}", [8, 16, 24, 32]),
            ("{min = 1, max = 3}", [1, 2, 3]),
            ('{min = 1, max = 100, scale = "log", points = 3}', [1, 10, 100]),
            ("{values = [16, 64]}", [16, 64]),
        ):
            file = self.space(f"batch-size = {grid}")
            rows = self.tune(*file, "--strategy", "grid", "--dry-run")
            self.assertEqual([row["options"]["batch-size"] for row in rows], expected)
        file = self.space("alpha = {min = 0.1, max = 0.3, step = 0.1}")
        rows = self.tune(*file, "--strategy", "grid", "--dry-run")
        self.assertEqual([row["options"]["alpha"] for row in rows], [0.1, 0.2, 0.3])

    def test_mistakes_in_a_file_are_named(self) -> None:
        range_of = "batch-size = {{min = 1, max = 9, {}}}"
        for code, problem, text in (
            (65, "line 1: ", "alpha ="),
            (65, "line 2: search alpha", "beta1 = [0.9]\nalpha = 3"),
            (65, "did you mean scale", range_of.format("scal = 'log'")),
            (65, '"linear" or "log"', range_of.format("scale = 'lin'")),
            (65, "no even steps", range_of.format("scale = 'log', step = 2")),
            (65, "within the range", range_of.format("step = 9")),
            (65, "above 0", range_of.format("step = 0")),
            (65, "whole numbers", "batch-size = {min = 0.5, max = 9, type = 'int'}"),
            (65, "lower number before", "batch-size = {min = 9, max = 1}"),
            (65, "min and max", "batch-size = {min = 9}"),
            (65, "values and a range", "batch-size = {min = 1, max = 9, values = [1]}"),
            (65, "at least one value", "batch-size = []"),
            (65, "from 2 on", range_of.format("points = 1")),
            (2, "did you mean alpha", "alpa = [0.1]"),
            (2, "found twice", "alpha = [0.1]"),
        ):
            twice = ["--search", "alpha=0.2"] if "twice" in problem else []
            done = run(
                *("tune", self.model, *self.fixed, "-o", self.output, *self.space(text)), *twice
            )
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(problem, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_every_trial_is_recorded(self) -> None:
        self.fixed[-1] = "9"
        study = self.path("study")
        search = ["--search", "learning-rate=log:1e-4:0.3", "--search", "amsgrad=true,false"]
        search += ["--strategy", "asha", "--trials", "6", "--jobs", "2"]
        rows = self.tune(*search, "--run-directory", study)
        self.assertIn("pruned", [row["state"] for row in rows])
        for row in rows:
            folder = study / f"trial-{row['trial']}"
            lines = (folder / "records.jsonl").read_text().splitlines()
            records = [json.loads(line) for line in lines]
            (chosen,) = (r["values"] for r in records if r["kind"] == "hyperparameters")
            amsgrad = row["options"]["amsgrad"] == "true"
            self.assertEqual(chosen, {**row["options"], "amsgrad": amsgrad})
            losses = [r["values"].get("validation/loss") for r in records if r["kind"] == "epoch"]
            self.assertEqual(losses[row["epochs"] - 1], row["validation_loss"])
            self.assertEqual(records[-1]["kind"], "end")
            self.assertEqual((folder / "model").exists(), row["rank"] == 1)
            self.assertEqual(list(folder.glob("checkpoints/*")), [])

    def test_grid_equals_trainings_one_by_one(self) -> None:
        search = ["--search", "learning-rate=log:0.001:0.1:3", "--search", "nesterov=true,false"]
        more = ["--optimizer", "sgd", "--momentum", "0.9"]
        page = self.path("tune.html")
        options = ["--strategy", "grid", "--jobs", "2", "--threads", "1", "--page", page]
        rows = self.tune(*search, *more, *options)
        self.assertEqual(len(rows), 6)
        self.assertEqual([row["rank"] for row in rows], [1, 2, 3, 4, 5, 6])
        values = [row["validation_loss"] for row in rows]
        self.assertEqual(values, sorted(values))
        for row in rows:
            rate = ["--learning-rate", row["options"]["learning-rate"]]
            switch = ["--nesterov"] if row["options"]["nesterov"] == "true" else []
            single = self.train(*more, *rate, *switch)
            self.assertEqual(single[-1]["validation_loss"], row["validation_loss"])
            if row["rank"] == 1:
                best = self.path("one.onnx").read_bytes()
        self.assertEqual(self.output.read_bytes(), best)
        self.assertIn("learning-rate", page.read_text())

    def test_a_study_has_a_page(self) -> None:
        study = self.path("study")
        search = ["--search", "learning-rate=0.001,0.01,0.1", "--strategy", "grid"]
        rows = self.tune(*search, "--run-directory", study, "--jobs", "1", "--threads", "1")
        done = self.run_well("report", study, "--json")
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], rows)
        page = (study / "report.html").read_text(encoding="utf-8")
        found = re.findall(r'<h3>([^<]*)</h3>.*?application/json">(.*?)</script>', page, re.DOTALL)
        charts = {title: json.loads(text) for title, text in found}
        for title, tag in (
            ("validation_loss", "validation/loss"),
            ("training loss", "train/epoch_loss"),
        ):
            traces = {trace["name"]: trace for trace in charts[title]["data"]}
            for row in rows:
                lines = (study / f"trial-{row['trial']}" / "records.jsonl").read_text().splitlines()
                records = [record for record in map(json.loads, lines) if record["kind"] == "epoch"]
                trace = traces[f"trial {row['trial']}"]
                self.assertEqual(trace["x"], [1, 2, 3, 4])
                losses = [record["values"][tag] for record in records]
                np.testing.assert_allclose(trace["y"], losses, rtol=1e-7)
        self.assertIn("Options and what they lead to", charts)
        (study / "journal.jsonl").write_text("{}\n")
        done = run("report", study)
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_metrics_and_restored_weights(self) -> None:
        rates = ["--search", "learning-rate=0,0.05,0.5", "--strategy", "grid", "--threads", "1"]
        metric = ["--metric", "accuracy", "--objective", "accuracy"]
        stop = ["--early-stopping", "2", "--min-delta", "0.01", "--epochs", "12"]
        self.fixed[-2:] = []
        rows = self.tune(*rates, *metric, *stop)
        values = [row["accuracy"] for row in rows]
        self.assertEqual(values, sorted(values, reverse=True))
        for row in rows:
            rate = ["--learning-rate", row["options"]["learning-rate"]]
            best, value = np.inf, None
            for epoch in self.train(*metric[:2], *stop, *rate):
                if epoch["validation_loss"] < best - 0.01:
                    best, value = epoch["validation_loss"], epoch["accuracy"]
            self.assertEqual(row["accuracy"], value)

    def test_halving_stops_trials(self) -> None:
        self.fixed[-1] = "9"
        search = ["--search", "learning-rate=log:1e-4:0.3", "--strategy", "asha", "--trials", "9"]
        rows = self.tune(*search, "--jobs", "1", "--threads", "1")
        states = [row["state"] for row in rows]
        self.assertEqual(states, sorted(states))  # finished before pruned
        self.assertIn("pruned", states)
        self.assertEqual(states[0], "finished")
        for row in rows:
            self.assertIn(row["epochs"], (1, 3, 9))
            self.assertEqual(row["epochs"] == 9, row["state"] == "finished")
        # One after the other, every rung keeps the best third of those that came.
        seen: dict[int, list[float]] = {1: [], 3: []}
        for row in sorted(rows, key=lambda row: row["trial"]):
            rate = ["--learning-rate", row["options"]["learning-rate"]]
            losses = [epoch["validation_loss"] for epoch in self.train(*rate)]
            for rung in (1, 3):
                seen[rung].append(losses[rung - 1])
                rank = sorted(seen[rung]).index(losses[rung - 1])
                if rank >= max(1, len(seen[rung]) // 3):
                    self.assertEqual(row["epochs"], rung)
                    break
            else:
                self.assertEqual(row["state"], "finished")

    def test_goes_on_after_a_kill(self) -> None:
        self.fixed[-1] = "30"
        search = ["--search", "learning-rate=log:1e-4:0.3", "--trials", "12", "--jobs", "1"]
        whole = self.tune(*search, "--run-directory", self.path("whole"))
        best = self.output.read_bytes()
        self.output.unlink()
        directory = ["--run-directory", self.path("killed")]
        command = [PROGRAM, "tune", self.model, *self.fixed, *search, *directory, "-o", self.output]
        process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
        journal = self.path("killed") / "journal.jsonl"
        while not journal.exists() or len(journal.read_bytes().splitlines()) < 4:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.assertFalse(self.output.exists())
        with journal.open("ab") as file:
            file.write(b'{"trial":12,"st')  # a torn line
        done = run("tune", *command[2:])
        self.assertEqual(done.returncode, 73, done.stderr)
        rows = self.tune(*search, *directory, "--resume")
        for row in (*rows, *whole):
            row.pop("seconds")
        self.assertEqual(rows, whole)
        self.assertEqual(self.output.read_bytes(), best)
        done = run("tune", *command[2:], "--resume", "--search-seed", "5")
        self.assertEqual(done.returncode, 65, done.stderr)

    def test_a_signal_ends_the_trials(self) -> None:
        self.fixed[-1] = "100000000"
        directory = ["--run-directory", self.path("study")]
        search = ["--search", "learning-rate=0.1,0.2", *directory, "-o", self.output]
        command = [PROGRAM, "tune", self.model, *self.fixed, *search]
        process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
        while not self.path("study/trial-1/log.txt").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("--resume", errors)
        self.assertFalse(self.output.exists())

    def test_failed_trials_come_last(self) -> None:
        modes = ["--search", "dropout=0.5,off", "--strategy", "grid"]  # there is no Dropout node
        rows = self.tune(*modes)
        self.assertEqual([row["state"] for row in rows], ["finished", "failed"])
        self.assertIn("no Dropout node", rows[1]["problem"])

    def test_refusals(self) -> None:
        for code, problem, options in (
            (2, "nothing to search", []),
            (2, "did you mean learning-rate", ["--search", "learning-rat=1,2"]),
            (2, "--optimizer", ["--search", "optimizer=sgd,adan"]),
            (2, "no such option to search", ["--search", "threads=1,2"]),
            (65, "numbers above 0", ["--search", "learning-rate=log:0:1"]),
            (65, "number of points", ["--search", "alpha=log:1e-3:1", "--strategy", "grid"]),
            (65, "more than the 20", ["--search", "batch-size=int:1:30", "--strategy", "grid"]),
            (65, "unknown metric", ["--search", "batch-size=1,2", "--objective", "speed"]),
            (66, "No such file", ["--search", "batch-size=1,2", "--data", "missing.npz"]),
        ):
            fixed = self.fixed[2:] if "missing.npz" in options else self.fixed
            done = run("tune", self.model, *fixed, "-o", self.output, *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(problem, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
