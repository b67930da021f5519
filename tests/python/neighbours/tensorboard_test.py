"""What TensorBoard's own reader finds of a training in Python."""

import unittest

import numpy as np
import strop
from program import ProgramTest, linear_model
from strop.callbacks import TensorBoard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class TensorBoardTest(ProgramTest):
    def scalars(self, folder: str, tag: str) -> list[tuple[int, float]]:
        events = EventAccumulator(str(self.path("logs") / folder))
        events.Reload()
        return [(each.step, each.value) for each in events.Scalars(tag)]

    def test_curves_histograms_and_graph_are_there(self) -> None:
        samples, other = self.samples(count=24), self.samples(count=24, seed=5)
        trainer = strop.Trainer(
            strop.load(self.save(linear_model(hidden=8))), metric="accuracy", batch_size=8, epochs=3
        )
        history = trainer.fit(
            samples["x"],
            samples["target"],
            validation_data=(other["x"], other["target"]),
            callbacks=[TensorBoard(self.path("logs"), update_freq=1)],
        )
        lists = history.history
        for folder, tag, name in (
            ("train", "epoch/loss", "loss"),
            ("validation", "epoch/loss", "val_loss"),
            ("validation", "epoch/accuracy", "val_accuracy"),
        ):
            expected = list(zip([3, 6, 9], map(np.float32, lists[name]), strict=True))
            self.assertEqual(self.scalars(folder, tag), expected)
        self.assertEqual(len(self.scalars("train", "batch/loss")), 9)
        events = EventAccumulator(str(self.path("logs")))
        events.Reload()
        tags = events.Tags()
        self.assertTrue(tags["graph"])
        self.assertIn("layer_weights/w0", tags["histograms"])
        self.assertIn("layer_gradients/w0", tags["histograms"])


if __name__ == "__main__":
    unittest.main()
