"""Optuna's own studies and storages: what a pruned trial did, and what is known of it later."""

import os
import tempfile
import unittest

import optuna
import strop
from program import ProgramTest, linear_model
from strop.callbacks import LambdaCallback
from strop.integrations.optuna import OptunaPruningCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)

# Databases wait for the disk at every word.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class OptunaTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(hidden=8))
        samples, other = self.samples(count=24), self.samples(count=24, seed=5)
        self.data = (samples["x"], samples["target"])
        self.validation = (other["x"], other["target"])
        self.steps: list[int] = []
        self.histories: list[strop.History] = []

    def train(self, trial: optuna.Trial, rate: float, **options: object) -> float:
        """A trial of 6 epochs of 3 steps each."""
        trainer = strop.Trainer(
            strop.load(self.model), optimizer="sgd", learning_rate=rate, batch_size=8, epochs=6
        )
        counted = LambdaCallback(on_train_batch_end=lambda step, logs: self.steps.append(step))
        pruning = OptunaPruningCallback(trial, **options)
        callbacks = [counted, pruning]
        history = trainer.fit(*self.data, validation_data=self.validation, callbacks=callbacks)
        self.histories.append(history)
        return history.history["val_loss"][-1]

    def study(self, pruner: optuna.pruners.BasePruner) -> optuna.Study:
        folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.addCleanup(folder.cleanup)
        self.storage = f"sqlite:///{folder.name}/study.db"
        return optuna.create_study(study_name="digits", storage=self.storage, pruner=pruner)

    def test_a_bad_trial_ends_before_its_next_step(self) -> None:
        study = self.study(optuna.pruners.MedianPruner(n_startup_trials=1))
        study.optimize(lambda trial: self.train(trial, 0.1), n_trials=1)
        self.assertEqual(self.steps, list(range(1, 19)))
        self.steps.clear()
        study.optimize(lambda trial: self.train(trial, 1e-6), n_trials=1)
        known = optuna.load_study(study_name="digits", storage=self.storage)
        whole, pruned = known.trials
        self.assertEqual(whole.state, optuna.trial.TrialState.COMPLETE)
        losses = self.histories[0].history["val_loss"]
        self.assertEqual(whole.intermediate_values, dict(enumerate(losses, 1)))
        self.assertEqual(pruned.state, optuna.trial.TrialState.PRUNED)
        # Its first epoch was the last, as the pruner's rule says.
        self.assertEqual(self.steps, [1, 2, 3])
        self.assertEqual(list(pruned.intermediate_values), [1])
        self.assertGreater(pruned.intermediate_values[1], losses[0])

    def test_a_trial_is_asked_every_few_epochs(self) -> None:
        study = self.study(optuna.pruners.ThresholdPruner(upper=0.0))
        study.optimize(lambda trial: self.train(trial, 0.1, monitor="loss", interval=4), n_trials=1)
        [trial] = study.trials
        self.assertEqual(trial.state, optuna.trial.TrialState.PRUNED)
        self.assertEqual(list(trial.intermediate_values), [4])
        self.assertEqual(self.steps[-1], 12)

    def test_a_number_that_there_is_not_is_refused(self) -> None:
        study = self.study(optuna.pruners.NopPruner())
        with self.assertRaisesRegex(ValueError, "found no 'val_f1', expected one of loss, "):
            study.optimize(lambda trial: self.train(trial, 0.1, monitor="val_f1"), n_trials=1)


if __name__ == "__main__":
    unittest.main()
