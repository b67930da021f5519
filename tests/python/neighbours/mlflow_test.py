"""What MLflow has of a training, asked of MLflow: parameters, metrics, models that it serves."""

import logging
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import mlflow
import numpy as np
import strop
from program import ProgramTest, linear_model
from strop.callbacks import LambdaCallback
from strop.integrations.mlflow import MlflowCallback, autolog, load_model, log_model

logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.ERROR)

# Databases wait for the disk at every word.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class MlflowTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(dir=MEMORY)
        cls.addClassCleanup(folder.cleanup)
        mlflow.set_tracking_uri(f"sqlite:///{folder.name}/mlflow.db")

    def setUp(self) -> None:
        super().setUp()
        artifacts = self.path("artifacts").as_uri()
        mlflow.set_experiment(experiment_id=mlflow.create_experiment(self.id(), artifacts))
        self.addCleanup(autolog, disable=True)
        samples, other = self.samples(count=24), self.samples(count=24, seed=5)
        self.x, self.y = samples["x"], samples["target"]
        self.validation = (other["x"], other["target"])
        self.model = strop.load(self.save(linear_model(hidden=8)))

    def fit(self, **options: object) -> strop.History:
        trainer = strop.Trainer(self.model, optimizer="adam", metric="accuracy", epochs=9)
        return trainer.fit(self.x, self.y, validation_data=self.validation, epochs=3, **options)

    def runs(self) -> list[mlflow.entities.Run]:
        return mlflow.search_runs(output_format="list", order_by=["attributes.start_time"])

    def check_metrics(self, run: mlflow.entities.Run, history: strop.History) -> None:
        client = mlflow.MlflowClient()
        for name, values in history.history.items():
            logged = client.get_metric_history(run.info.run_id, name)
            found = [(metric.step, metric.value) for metric in sorted(logged, key=lambda m: m.step)]
            self.assertEqual(found, list(enumerate(values, 1)), name)

    def test_every_training_is_logged(self) -> None:
        autolog()
        autolog()  # once is enough
        history = self.fit(batch_size=6)
        self.assertIsNone(mlflow.active_run())
        [run] = self.runs()
        self.assertEqual(run.info.status, "FINISHED")
        expected = {"optimizer": "adam", "metric": "accuracy", "epochs": "3", "batch_size": "6"}
        self.assertEqual(run.data.params, {**expected, "loss": "cross_entropy"})
        self.check_metrics(run, history)
        self.assertEqual(run.data.metrics["best_epoch"], history.best_epoch)
        [logged] = mlflow.search_logged_models(output_format="list")
        self.assertEqual(logged.source_run_id, run.info.run_id)
        loaded = load_model(logged.model_uri, seed=3)
        np.testing.assert_array_equal(loaded.run(self.x)["y"], self.model.run(self.x)["y"])
        autolog(disable=True)
        self.fit()
        self.assertEqual(len(self.runs()), 1)

    def test_an_active_run_is_taken_and_stays(self) -> None:
        autolog(log_models=False)
        with mlflow.start_run() as run:
            self.fit()
            history = self.fit(batch_size=4)  # whose other options are no error
            self.assertEqual(mlflow.active_run().info.run_id, run.info.run_id)
        [found] = self.runs()
        self.assertEqual(found.data.params["batch_size"], "4")
        self.assertEqual(found.data.metrics["loss"], history.history["loss"][-1])
        self.assertEqual(mlflow.search_logged_models(output_format="list"), [])

    def test_a_training_that_fails_is_a_run_that_failed(self) -> None:
        autolog()

        def fail(epoch: int, logs: dict[str, float]) -> None:
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            self.fit(callbacks=[LambdaCallback(on_epoch_end=fail)])
        self.assertIsNone(mlflow.active_run())
        self.assertEqual([run.info.status for run in self.runs()], ["FAILED"])

    def test_what_mlflow_cannot_do_ends_no_training(self) -> None:
        autolog()
        broken = mock.patch.object(mlflow, "log_metrics", side_effect=OSError("no server"))
        with broken, self.assertLogs("strop", logging.WARNING) as heard:
            history = self.fit()
        self.assertEqual(len(history.epochs), 3)
        self.assertIn("mlflow: no server; the training goes on", heard.output[0])

    def test_a_callback_logs_without_autolog(self) -> None:
        with mlflow.start_run():
            history = self.fit(callbacks=[MlflowCallback()])
        [run] = self.runs()
        self.check_metrics(run, history)

    def test_a_logged_model_is_served_without_strop(self) -> None:
        with mlflow.start_run():
            info = log_model(self.model, name="net")
        served = mlflow.pyfunc.load_model(info.model_uri)
        [runtime] = self.model.to_onnxruntime().run(None, {"x": self.x})
        np.testing.assert_array_equal(served.predict({"x": self.x})["y"], runtime)
        [given] = info.signature.inputs.inputs
        self.assertEqual((given.name, given.type, given.shape), ("x", np.float32, (-1, 4)))
        self.assertEqual(info.signature.outputs.inputs[0].shape, (-1, 3))
        with self.assertRaises(mlflow.exceptions.MlflowException):
            served.predict({"x": self.x[:, :2]})
        needed = mlflow.pyfunc.get_model_dependencies(info.model_uri)
        names = {line.split("=")[0] for line in pathlib.Path(needed).read_text().split()}
        self.assertEqual(names & {"onnxruntime", "strop"}, {"onnxruntime"})
        self.assertEqual(load_model(info.model_uri).to_bytes(), self.model.to_bytes())


if __name__ == "__main__":
    unittest.main()
