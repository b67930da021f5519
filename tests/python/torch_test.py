"""Tensors, datasets and losses of PyTorch."""

import unittest

import datasets
import jax
import jax.numpy as jnp
import numpy as np
import strop
import torch
from onnxscript import FLOAT, script
from onnxscript import opset18 as op
from program import ProgramTest, linear_model
from strop import _strop
from strop.data import named_arrays


class TorchTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.model = strop.load(self.model_path)
        samples = self.samples(count=24)
        self.x, self.y = torch.from_numpy(samples["x"]), torch.from_numpy(samples["target"])

    def trained(self, *given: object) -> bytes:
        model = strop.load(self.model_path)
        strop.Trainer(model).fit(*given)
        return model.to_bytes()

    def test_tensors_and_datasets_give_the_bits_of_arrays(self) -> None:
        expected = self.trained(self.x.numpy(), self.y.numpy())
        self.assertEqual(self.trained(self.x, self.y), expected)
        self.assertEqual(self.trained(self.x.clone().requires_grad_(), self.y), expected)
        dataset = torch.utils.data.TensorDataset(self.x, self.y)
        self.assertEqual(self.trained(dataset), expected)

    def test_loaders_say_batches_and_order(self) -> None:
        dataset = torch.utils.data.TensorDataset(self.x, self.y)

        def loader(**options: object) -> torch.utils.data.DataLoader:
            return torch.utils.data.DataLoader(dataset, **{"batch_size": 5, **options})

        def trained(*given: object, **options: object) -> bytes:
            model = strop.load(self.model_path)
            strop.Trainer(model, epochs=3, **options).fit(*given)
            return model.to_bytes()

        for options, same in (
            ({"shuffle": True}, {}),
            ({}, {"no_shuffle": True}),
            ({"shuffle": True, "drop_last": True}, {"drop_last": True}),
        ):
            expected = trained(self.x, self.y, batch_size=5, **same)
            self.assertEqual(trained(loader(**options)), expected)

        def collate(samples: list) -> dict[str, torch.Tensor]:
            x, y = zip(*samples, strict=True)
            return {"x": torch.stack(x) * 2, "target": torch.stack(y)}

        doubled = trained(self.x * 2, self.y, batch_size=5, no_shuffle=True)
        self.assertEqual(trained(loader(collate_fn=collate)), doubled)
        sampler = torch.utils.data.WeightedRandomSampler([1.0] * 24, 24)
        with self.assertRaisesRegex(ValueError, "found a WeightedRandomSampler"):
            trained(loader(sampler=sampler))
        with self.assertRaisesRegex(ValueError, "batch_size: found 8, expected 5 as x has it"):
            trained(loader(), batch_size=8)

    def test_datasets_of_hugging_face(self) -> None:
        expected = self.trained(self.x.numpy(), self.y.numpy())
        rows = datasets.Dataset.from_dict({"x": self.x.tolist(), "target": self.y.tolist()})
        self.assertEqual(self.trained(rows), expected)
        self.assertEqual(self.trained(rows.with_format("numpy")), expected)
        self.assertEqual(self.trained(rows.with_format("torch")), expected)
        streamed = rows.to_iterable_dataset().with_format("numpy").batch(batch_size=7)
        self.assertEqual(self.trained(streamed), expected)

    def test_tensors_stay_where_they_are(self) -> None:
        named = named_arrays(["x"], self.x)["x"]
        self.assertEqual(named.ctypes.data, self.x.data_ptr())
        halves = self.x.to(torch.bfloat16)
        found = self.model.run(halves)["y"]
        expected = self.model.run(halves.float())["y"]
        np.testing.assert_array_equal(found, expected)
        # By DLPack, without NumPy between.
        np.testing.assert_array_equal(self.model._handle.run({"x": halves})["y"], expected)
        data = _strop.Data.arrays({"x": self.x, "target": self.y})
        trainer = _strop.Trainer.make(self.model._handle, data, None, [])
        before = trainer.evaluate(data)
        self.x.zero_()
        self.assertNotEqual(trainer.evaluate(data), before)

    def test_a_loss_of_torch_trains_as_torch_does(self) -> None:
        module = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)
        ).double()
        with torch.no_grad():
            for layer, number in ((module[0], 0), (module[2], 1)):
                weight = self.model.read_parameter(f"w{number}")
                layer.weight.copy_(torch.from_numpy(weight.T.copy()))
                layer.bias.copy_(torch.from_numpy(self.model.read_parameter(f"b{number}")))
        loss = torch.nn.MultiMarginLoss()  # which the engine has not
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            value = loss(module(self.x.double()), self.y)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        trainer = strop.Trainer(
            self.model,
            loss=strop.losses.torch(loss),
            optimizer="sgd",
            learning_rate=0.1,
            batch_size="full",
        )
        history = trainer.fit(self.x, self.y, epochs=5)
        np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-5)
        weight = module[0].weight.detach().numpy().T
        np.testing.assert_allclose(self.model.read_parameter("w0"), weight, rtol=1e-4, atol=1e-6)

    def test_losses_of_jax_and_onnxscript_train_as_the_engine_s_own(self) -> None:
        def mean_square(outputs: jax.Array, targets: jax.Array) -> jax.Array:
            return jnp.mean((outputs - targets) ** 2)

        @script(default_opset=op)
        def mean_square_of_nodes(y: FLOAT["n", 3], target: FLOAT["n", 3]) -> FLOAT:  # noqa: F821
            difference = y - target
            return op.ReduceMean(difference * difference, keepdims=0)

        targets = np.random.default_rng(5).normal(size=(24, 3)).astype(np.float32)
        losses = ["mse", strop.losses.jax(mean_square), strop.losses.onnx(mean_square_of_nodes)]
        found = []
        for loss in losses:
            model = strop.load(self.model_path)
            history = strop.Trainer(model, loss=loss, optimizer="adam", seed=3).fit(
                self.x, targets, validation_data=(self.x, targets), epochs=3
            )
            found.append((history.history["val_loss"], model.read_parameter("w0")))
        for val_loss, weight in found[1:]:
            np.testing.assert_allclose(val_loss, found[0][0], rtol=1e-5)
            np.testing.assert_allclose(weight, found[0][1], rtol=1e-3, atol=1e-5)


if __name__ == "__main__":
    unittest.main()
