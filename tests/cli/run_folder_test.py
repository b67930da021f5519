"""Runs that are kept in a folder: checkpoints, resuming, locks, signals, config files."""

import json
import signal
import subprocess
import unittest

import numpy as np
import onnx
import tomllib
from onnx import numpy_helper
from program import PROGRAM, ProgramTest, linear_model, run
from safetensors import safe_open


class RunFolderTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(hidden=8))
        self.data = self.save_data(**self.samples(count=40))
        self.output = self.path("out.onnx")
        self.run_folder = self.path("run")
        self.arguments = [self.model, "--data", self.data, "-o", self.output]
        self.arguments += ["--batch-size", "8", "--run-directory", self.run_folder]

    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.run_folder / "checkpoints").iterdir())

    def fails(self, code: int, *arguments: object) -> str:
        done = run("train", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_keeps_the_newest_checkpoints_as_safetensors(self) -> None:
        self.run_well("train", *self.arguments, "--epochs", "4", "--checkpoint-every", "2")
        names = [f"step-{step:08d}.safetensors" for step in (16, 18, 20)]
        self.assertEqual(self.checkpoints(), names)
        exported = {t.name: t for t in onnx.load(self.output).graph.initializer}
        with safe_open(self.run_folder / "checkpoints" / names[-1], "np") as file:
            state = json.loads(file.metadata()["run"])["state"]
            self.assertEqual((state["steps"], state["epochs"]), (20, 4))
            for name, tensor in exported.items():
                array = numpy_helper.to_array(tensor)
                np.testing.assert_array_equal(file.get_tensor(f"state/{name}"), array)
                self.assertEqual(file.get_tensor(f"state/{name}/exp_avg").shape, array.shape)

    def test_keeps_the_best_one(self) -> None:
        options = ["--epochs", "8", "--learning-rate", "0.5", "--validation-split", "0.5"]
        options += ["--keep", "1", "--early-stopping", "20", "--json"]
        pages = self.run_well("train", *self.arguments, *options).stdout.splitlines()
        losses = [json.loads(page)["validation_loss"] for page in pages]
        best = losses.index(min(losses)) + 1
        steps = [int(name[5:13]) for name in self.checkpoints()]
        self.assertIn(best * 3, steps)
        self.assertLessEqual(len(steps), 2)

    def test_going_on_for_more_epochs_equals_one_run(self) -> None:
        self.run_well("train", *self.arguments, "--epochs", "2")
        done = self.run_well("train", *self.arguments, "--epochs", "5", "--resume")
        self.assertIn("going on from step-00000010.safetensors after step 10", done.stderr)
        resumed = self.output.read_bytes()
        self.run_well("train", *self.arguments[:-2], "--epochs", "5")
        self.assertEqual(self.output.read_bytes(), resumed)

    def test_a_damaged_checkpoint_falls_back(self) -> None:
        self.run_well("train", *self.arguments, "--epochs", "3")
        whole = self.output.read_bytes()
        newest = self.run_folder / "checkpoints" / "step-00000015.safetensors"
        newest.write_bytes(newest.read_bytes()[:-5])
        done = self.run_well("train", *self.arguments, "--epochs", "3", "--resume")
        self.assertRegex(done.stderr, "warning: .*15.safetensors.*falling back to the one before")
        self.assertIn("going on from step-00000010.safetensors", done.stderr)
        self.assertEqual(self.output.read_bytes(), whole)
        for path in (self.run_folder / "checkpoints").iterdir():
            path.write_bytes(b"")
        done = self.run_well("train", *self.arguments, "--epochs", "3", "--resume")
        self.assertIn("starting from the beginning", done.stderr)
        self.assertEqual(self.output.read_bytes(), whole)

    def test_another_run_is_refused(self) -> None:
        self.arguments += ["--seed", "3"]
        self.run_well("train", *self.arguments, "--learning-rate", "0.001")
        line = self.fails(65, *self.arguments, "--resume", "--learning-rate", "0.5", "--amsgrad")
        self.assertIn("--learning-rate is 0.5, was 0.001", line)
        self.assertIn("--amsgrad is true, was not given", line)
        self.arguments += ["--learning-rate", "1e-3"]
        self.run_well("train", *self.arguments, "--resume")
        self.save_data(**self.samples(count=40, seed=2))
        self.assertIn("the data is another", self.fails(65, *self.arguments, "--resume"))
        self.save_data(**self.samples(count=40))
        self.save(linear_model(hidden=8, seed=3))
        self.assertIn("the model is another", self.fails(65, *self.arguments, "--resume"))

    def test_an_earlier_run_is_not_overwritten(self) -> None:
        self.run_well("train", *self.arguments)
        self.assertIn("go on with --resume", self.fails(73, *self.arguments))

    def test_wrong_usage(self) -> None:
        without = self.arguments[:-2]
        self.assertIn("--run-directory", self.fails(2, *without, "--resume"))
        self.assertIn("--run-directory", self.fails(2, *without, "--checkpoint-every", "5"))
        for interval in ("0", "-3", "5x", "s", "-1s", "nanm"):
            line = self.fails(2, *self.arguments, f"--checkpoint-every={interval}")
            self.assertIn("expected steps, or a time", line)
        self.fails(73, *without, "--run-directory", self.model)
        self.assertFalse(self.run_folder.exists())

    def start_long_run(self) -> subprocess.Popen:
        arguments = [*self.arguments, "--epochs", "100000000", "--json", "--log-every", "1"]
        process = subprocess.Popen(
            [PROGRAM, "train", *map(str, arguments), "--resume"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdout.readline()  # the first step is done
        return process

    def test_signals_save_the_run(self) -> None:
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.start_long_run()
            process.send_signal(sent)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, errors)
            line = errors.splitlines()[-1]
            self.assertIn("go on with --resume", line)
            step = int(line.split("after step ")[1].split(";")[0])
            self.assertIn(f"step-{step:08d}.safetensors", self.checkpoints())
            self.assertFalse(self.output.exists())
        self.assertIn("going on from", errors)

    def test_no_checkpoints_when_none_are_to_stay(self) -> None:
        self.run_well("train", *self.arguments, "--keep", 0)
        self.assertEqual(self.checkpoints(), [])
        self.assertTrue((self.run_folder / "records.jsonl").exists())
        self.fails(73, *self.arguments, "--keep", 0)  # the records are another run's
        self.fails(2, *self.arguments, "--keep", 0, "--resume")
        self.fails(2, *self.arguments, "--keep", 0, "--checkpoint-every", 2)

    def test_two_runs_are_kept_apart(self) -> None:
        process = self.start_long_run()
        line = self.fails(73, *self.arguments, "--resume")
        self.assertIn(f"another run (process {process.pid}) is using it", line)
        process.kill()
        process.communicate()
        self.run_well("train", *self.arguments, "--resume")


class ConfigTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(hidden=8))
        self.data = self.save_data(**self.samples(count=40))
        self.output = self.path("out.onnx")
        self.config = self.path("run.toml")

    def fails(self, text: str, *arguments: object) -> str:
        self.config.write_text(text)
        done = run("train", "--config", self.config, *arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_every_kind_of_value(self) -> None:
        options = ["--learning-rate", "0.02", "--epochs", "3", "--nesterov", "--momentum", "0.9"]
        options += ["--optimizer", "sgd", "--freeze", "w0", "--freeze", "b0", "--batch-size", "8"]
        options += ["--class-weights", "1,2,0.5", "--seed", "7"]
        self.run_well("train", self.model, "--data", self.data, "-o", self.output, *options)
        typed = self.output.read_bytes()
        self.config.write_text(
            f"""model = "{self.model}"
            data = "{self.data}"
            output = "{self.output}"
            learning-rate = 0.5  # the command line says something else
            epochs = 3
            nesterov = true
            amsgrad = false
            momentum = 9e-1
            optimizer = "sgd"
            freeze = ["w0", "b0"]
            batch-size = 8
            class-weights = [1, 2.0, 0.5]
            seed = 7
            """
        )
        self.output.unlink()
        self.run_well("train", "--config", self.config, "--learning-rate", "0.02")
        self.assertEqual(self.output.read_bytes(), typed)

    def test_the_saved_options_are_a_config(self) -> None:
        options = ["--learning-rate", "2e-2", "--freeze", "w0", "--metric", "accuracy"]
        options += ["--validation-split", "0.25", "--early-stopping", "3", "--drop-last"]
        folder = self.path("run")
        arguments = [self.model, "--data", self.data, "-o", self.output, *options]
        self.run_well("train", *arguments, "--run-directory", folder)
        first = self.output.read_bytes()
        saved = tomllib.loads((folder / "config.toml").read_text())
        self.assertEqual(saved["learning-rate"], 0.02)
        self.assertEqual(saved["freeze"], ["w0"])
        self.assertIs(saved["drop-last"], True)
        self.assertEqual(saved["optimizer"], "adamw")  # a default
        self.assertNotIn("resume", saved)
        config = (folder / "config.toml").read_text()
        self.run_well("train", "--config", folder / "config.toml", "--resume")
        self.assertEqual((folder / "config.toml").read_text(), config)
        again = self.path("again")
        self.run_well("train", "--config", folder / "config.toml", "--run-directory", again)
        self.assertEqual(self.output.read_bytes(), first)

    def test_records_hold_what_the_options_came_to(self) -> None:
        # The defaults of PyTorch's documentation.
        adam = {"weight-decay": 0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        defaults = {
            "sgd": {"learning-rate": 1e-3, "momentum": 0, "dampening": 0, "weight-decay": 0},
            "adam": {"learning-rate": 1e-3, **adam},
            "adamw": {"learning-rate": 1e-3, **adam, "weight-decay": 1e-2},
            "nadam": {"learning-rate": 2e-3, **adam, "momentum-decay": 4e-3},
            "rmsprop": {
                "learning-rate": 1e-2,
                **{"alpha": 0.99, "epsilon": 1e-8, "weight-decay": 0, "momentum": 0},
            },
        }
        always = {"batch-size": 32, "loss": "cross_entropy", "schedule": "constant"}
        always |= {"epochs": 1, "seed": 0, "model": str(self.model), "data": str(self.data)}
        for name, numbers in defaults.items():
            typed = {"rmsprop": ["--learning-rate", "1e-2"]}.get(name, [])
            arguments = ["--optimizer", name, *typed, "--run-directory", self.path(name)]
            self.run_well("train", self.model, "--data", self.data, "-o", self.output, *arguments)
            lines = (self.path(name) / "records.jsonl").read_text().splitlines()
            (record,) = (r for r in map(json.loads, lines) if r["kind"] == "hyperparameters")
            self.assertEqual(record["values"], {"optimizer": name, **always, **numbers})
            config = tomllib.loads((self.path(name) / "config.toml").read_text())
            self.assertEqual(config["learning-rate"], numbers["learning-rate"])
            self.assertEqual(config["batch-size"], "32")

    def test_mistakes_are_named(self) -> None:
        line = self.fails("learning_rate = 0.1")
        self.assertIn('run.toml:1": unknown option "learning_rate"', line)
        self.assertIn("did you mean learning-rate", line)
        self.assertIn("table", self.fails("[optimizer]\nlearning-rate = 0.1"))
        self.assertIn("run.toml:2", self.fails("epochs = 3\nepochs = 4"))
        self.assertIn("run.toml:1", self.fails("epochs ="))
        self.assertIn("epochs", self.fails("epochs = 1979-05-27"))
        self.assertIn("--epochs", self.fails("epochs = -3"))
        self.assertIn("--epochs", self.fails("epochs = [1, 2]"))
        self.assertIn("--optimizer", self.fails('optimizer = "adan"'))
        self.assertIn("unknown option", self.fails("resume = true"))
        self.assertIn("required", self.fails("epochs = 3"))
        done = run("train", "--config", self.path("missing.toml"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("missing.toml", done.stderr)


class DryRunTest(ProgramTest):
    def test_says_what_would_be_done(self) -> None:
        model = self.save(linear_model(hidden=8))
        data = self.save_data(**self.samples(count=40))
        arguments = [model, "--data", data, "-o", self.path("out.onnx"), "--freeze", "w0"]
        arguments += ["--batch-size", "16", "--epochs", "5", "--run-directory", self.path("run")]
        before = sorted(self.folder.iterdir())
        page = json.loads(self.run_well("train", *arguments, "--dry-run", "--json").stdout)
        self.assertEqual(page["parameters"], 4 * 8 + 8 + 8 * 3 + 3)
        self.assertEqual(page["trained_parameters"], 8 + 8 * 3 + 3)
        self.assertEqual(page["trained_tensors"], 3)
        self.assertEqual((page["steps"], page["steps_per_epoch"]), (15, 3))
        self.assertEqual(page["parameter_bytes"], 4 * page["parameters"])
        self.assertEqual(page["optimizer_bytes"], 2 * 4 * page["trained_parameters"])
        self.assertGreater(page["arena_bytes"], 0)
        self.assertGreater(page["step_ms"], 0)
        chosen = {"freeze": "w0", "batch-size": "16", "epochs": "5", "learning-rate": "0.001"}
        self.assertEqual({name: page["options"][name] for name in chosen}, chosen)
        text = self.run_well("train", *arguments, "--dry-run").stdout
        self.assertIn("trains   35 parameters in 3 tensors, 52.24 % of the model's 67", text)
        self.assertIn("optimizer adamw  learning-rate 0.001  freeze w0", " ".join(text.split("\n")))
        self.assertEqual(sorted(self.folder.iterdir()), before)


if __name__ == "__main__":
    unittest.main()
