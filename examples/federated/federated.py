"""Federated learning with Flower: clients train on digits that they keep, a server averages.

    python federated.py digits.onnx digits.csv averaged.onnx

Needs the packages strop, flwr (made with 1.42) and NumPy. `client_app` and `server_app` are apps as
Flower has them. Here they meet in one process through `InProcessGrid`; Flower's own grids go over a
network, or through its simulation, which needs Ray. Every client has three or four of the ten
digits, so that none can learn them all alone.
"""

import logging
import sys
import uuid
from collections.abc import Iterable
from typing import Any

import numpy as np
import strop
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.supercore.task_identity import TaskIdentity

CLIENTS, ROUNDS, EPOCHS = 3, 8, 2

client_app = ClientApp()
server_app = ServerApp()


def read_digits(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [samples, 64] from 0 to 1 and their digits."""
    table = np.loadtxt(path, np.float32, delimiter=",", skiprows=1)
    return table[:, :64] / 16, table[:, 64].astype(np.int64)


def held_out(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Every fifth, which no client has."""
    x, y = read_digits(path)
    return x[::5], y[::5]


def share_of(client: int, path: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = read_digits(path)
    is_own = (y % CLIENTS == client) & (np.arange(len(y)) % 5 > 0)
    return x[is_own], y[is_own]


def record_of(model: strop.Model) -> ArrayRecord:
    return ArrayRecord({name: Array(array) for name, array in model.state_dict().items()})


def load_record(model: strop.Model, record: ArrayRecord) -> None:
    model.load_state_dict({name: array.numpy() for name, array in record.items()})


def trainer_of(model: strop.Model, epochs: int) -> strop.Trainer:
    return strop.Trainer(model, optimizer="sgd", learning_rate=0.1, batch_size=16, epochs=epochs)


def measured(model: strop.Model, data: str) -> dict[str, float]:
    """Loss and accuracy on what is held out."""
    return strop.Trainer(model, metric="accuracy").evaluate(*held_out(data))


@client_app.train()
def train(message: Message, context: Context) -> Message:
    """Some epochs from the server's weights on the client's own digits."""
    model = strop.load(context.run_config["model"])
    load_record(model, message.content["arrays"])
    x, y = share_of(context.node_config["partition-id"], context.run_config["data"])
    history = trainer_of(model, EPOCHS).fit(x, y)
    metrics = MetricRecord({"loss": history.history["loss"][-1], "num-examples": len(y)})
    content = RecordDict({"arrays": record_of(model), "metrics": metrics})
    return Message(content, reply_to=message)


@server_app.main()
def serve(grid: Grid, context: Context) -> None:
    """Rounds of averaging, each measured on the digits that no client has."""
    model = strop.load(context.run_config["model"])

    def evaluate(number: int, arrays: ArrayRecord) -> MetricRecord:
        load_record(model, arrays)
        found = measured(model, context.run_config["data"])
        print(f"round {number}  loss {found['loss']:.4f}  accuracy {found['accuracy']:.4f}")
        return MetricRecord({"loss": found["loss"], "accuracy": found["accuracy"]})

    strategy = FedAvg(fraction_evaluate=0.0)
    result = strategy.start(grid, record_of(model), num_rounds=ROUNDS, evaluate_fn=evaluate)
    load_record(model, result.arrays)
    model.save(context.run_config["output"])


class InProcessGrid(Grid):
    """Clients of this process, in the place of a network: a message is a call."""

    def __init__(self, app: ClientApp, contexts: dict[int, Context]) -> None:
        self._app, self._contexts = app, contexts
        self._replies: dict[str, Message] = {}
        self._run: Any = None

    def set_run(self, run: Any) -> None:
        self._run = run

    @property
    def run(self) -> Any:
        return self._run

    def get_node_ids(self) -> Iterable[int]:
        return list(self._contexts)

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        pushed = []
        for message in messages:
            pushed.append(str(uuid.uuid4()))
            message.metadata.__dict__["_message_id"] = pushed[-1]  # as Flower's own grids do
            context = self._contexts[message.metadata.dst_node_id]
            self._replies[pushed[-1]] = self._app(message, context)
        return pushed

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self._replies.pop(each) for each in message_ids]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))


def main() -> None:
    model, data, output = sys.argv[1:]
    logging.getLogger("flwr").setLevel(logging.WARNING)
    run_config: Any = {"model": model, "data": data, "output": output}

    def context_of(node: int, **node_config: int) -> Context:
        state = RecordDict()
        return Context(1, node, node_config, state, run_config)  # of run 1

    for client in range(CLIENTS):
        alone = strop.load(model)
        trainer_of(alone, ROUNDS * EPOCHS).fit(*share_of(client, data))
        print(f"client {client} alone  accuracy {measured(alone, data)['accuracy']:.4f}")
    # What Flower's runtimes set before an app: the sender of messages.
    TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 0
    clients = {
        client + 1: context_of(client + 1, **{"partition-id": client}) for client in range(CLIENTS)
    }
    serve(InProcessGrid(client_app, clients), context_of(0))


if __name__ == "__main__":
    main()
