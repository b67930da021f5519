"""What mypy knows of the package: read by stubs_test.py, never run; some lines are errors."""

import pathlib
from typing import Any, SupportsIndex, assert_type

import numpy as np
import strop
from numpy.typing import NDArray
from strop.option_types import EstimatorOptions, LoadOptions, TrainerOptions
from strop.sklearn import StropClassifier, StropTransformer

x, y = np.zeros((2, 4)), np.zeros(2)
model = strop.load(pathlib.Path("model.onnx"), seed=1, freeze=["a*", "b"], lora=True)
assert_type(model, strop.Model)
strop.load("model.onnx", precision="f16")  # E: expected "Literal['f32', 'f64'] | None"
strop.load("model.onnx", sed=1)  # E: Unexpected keyword argument "sed" for "load"
strop.load("model.onnx", seed="one")  # E: expected "int | SupportsIndex | None"
strop.load("model.onnx", epochs=2)  # E: Unexpected keyword argument "epochs" for "load"

trainer = strop.Trainer(
    model,
    loss="mse",
    optimizer="adamw",
    learning_rate=np.float32(1e-3),
    epochs=np.int64(2),
    batch_size="full",
    metric=["mae", "r2"],
    mean=np.zeros(3),
    resize=(32, 24),
    nesterov=False,
    dropout=None,
    run_directory=pathlib.Path("run"),
)
strop.Trainer(model, optimiser="adam")  # E: Unexpected keyword argument "optimiser"
strop.Trainer(model, optimizer="adm")  # E: Argument "optimizer" to "Trainer" has incompatible type
strop.Trainer(model, epochs=1.5)  # E: Argument "epochs" to "Trainer" has incompatible type
strop.Trainer(model, learning_rate="fast")  # E: Argument "learning_rate" to "Trainer"
strop.Trainer(model, nesterov=1)  # E: expected "bool | None"
strop.Trainer(model, class_weights="1,2")  # E: Argument "class_weights" to "Trainer"
strop.Trainer(model, output=3)  # E: Argument "output" to "Trainer" has incompatible type "int"
strop.Trainer(model, precision="f64")  # E: Unexpected keyword argument "precision"
strop.Trainer(model, loss=lambda outputs, targets: (0.0, outputs))
strop.Trainer(model, loss=3)  # E: Argument "loss" to "Trainer" has incompatible type "int"

strop.LossTrainer(model, optimizer="sgd", clip_norm=1.0)
strop.LossTrainer(model, epochs=2)  # E: Unexpected keyword argument "epochs" for "LossTrainer"

settings: TrainerOptions = {"schedule": "cosine", "epochs": 3}
strop.Trainer(model, **settings)
wrong: TrainerOptions = {"shedule": "cosine"}  # E: Extra key "shedule" for TypedDict
loading: LoadOptions = {"threads": 2}
assert_type(loading["threads"], int | SupportsIndex | None)

history = trainer.fit(x, y, validation_data=(x, y), epochs=2)
assert_type(history, strop.History)
assert_type(history.history, dict[str, list[float]])
assert_type(history.best_epoch, int | None)
assert_type(trainer.step(x, y), strop.Step)
assert_type(trainer.evaluate(x, y), dict[str, float])
assert_type(trainer.predict(x), NDArray[Any] | dict[str, NDArray[Any]])
assert_type(model.run(x), dict[str, NDArray[Any]])
assert_type(model.inputs[0].shape, tuple[int | None, ...] | None)
assert_type(model.metadata, dict[str, str])
text: str = model.run(x)  # E: Incompatible types in assignment
model.add_lora("fc*", lora_rank=4)
model.add_lora(lora_ranks=4)  # E: Unexpected keyword argument "lora_ranks"
model.quantize("int4")  # E: incompatible type "Literal['int4']"; expected "Literal['int8']"
model.save("model.onnx", lora_export="peft")
model.save("model.onnx", seed=1)  # E: Unexpected keyword argument "seed"

strop.operations.new("mlp", input="4", classes=3, activation="relu", output="model.onnx")
strop.operations.new("mlp", activation="rel")  # E: Argument "activation" to "new" has incompatible
strop.operations.train("model.onnx", data="a.npz", output="b.onnx", learning_rate=0.1)
strop.operations.train(config="config.toml")
strop.operations.export("model.onnx", output="b.onnx")  # E: Missing named argument "checkpoint"
strop.operations.run(output="b.npz")  # E: Missing positional argument "model"
strop.operations.find_learning_rate("model.onnx", data="a.npz", mode="linear")
strop.operations.report(["one", "two"])

few: EstimatorOptions = {"weight_decay": 0.1, "freeze": "b*"}
assert_type(StropClassifier(epochs=2, options=few).fit(x, y), StropClassifier)
StropClassifier(options={"weight_decays": 0.1})  # E: expected "EstimatorOptions | None"
StropClassifier(options={"epochs": 3})  # E: expected "EstimatorOptions | None"
StropTransformer(architecture_options={"residual": True, "heads": "2"})  # E: expected "Arch


class Counter(strop.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        assert_type(self.trainer, strop.Trainer)


class Wrong(strop.callbacks.Callback):
    def on_epoch_end(self, epoch: str, logs: dict[str, float]) -> None: ...  # E: supertype


try:
    trainer.fit(callbacks=[Counter()])
except strop.Error as error:
    assert_type(error.status, int)
