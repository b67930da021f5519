"""What x and y may be, against the bits that plain arrays give; copies, by where the memory is."""

import collections
import itertools
import unittest
from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import strop
from onnx import helper, numpy_helper
from program import ProgramTest, linear_model, make_model
from strop.data import named_arrays


class Pairs:
    """A dataset as torch means it."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.x[index], int(self.y[index])


class Rows(Pairs):
    """A dataset as Hugging Face means it."""

    def __getitem__(self, index: int) -> dict[str, object]:
        return {"x": self.x[index].tolist(), "target": int(self.y[index])}


class Samples(collections.UserList):
    """A dataset that is a sequence."""


class DataTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.x, self.y = self.samples(count=24).values()

    def trained(self, *given: object, **options: object) -> bytes:
        model = strop.load(linear_model(hidden=8))
        strop.Trainer(model, **options).fit(*given)
        return model.to_bytes()

    def test_every_form_gives_the_bits_of_arrays(self) -> None:
        x, y = self.x, self.y
        expected = self.trained(x, y)
        frame = pd.DataFrame(x, columns=list("abcd"))
        labelled = frame.assign(label=y)
        data = self.save_data(x=x, target=y)
        for given in (
            ({"x": x, "target": y},),
            ({"x": x}, y),
            (data,),
            (str(data),),
            (frame, pd.Series(y)),
            (frame, frame.assign(label=y)[["label"]]),
            (labelled, "label"),
            (pl.from_pandas(labelled), "label"),
            (pl.from_pandas(frame), pl.Series(y)),
            (pa.Table.from_pandas(labelled), "label"),
            (pa.Table.from_pandas(frame), pa.chunked_array([y])),
            (Pairs(x, y),),
            (Rows(x, y),),
            (Samples(zip(x, y, strict=True)),),
            (x.astype(np.float64), y.astype(np.int32)),
            (np.asfortranarray(x), y),
            (x.tolist(), y.tolist()),
        ):
            kinds = [type(each) for each in given]
            with self.subTest(kinds=kinds):
                self.assertEqual(self.trained(*given), expected)

    def test_streams_give_the_bits_of_arrays(self) -> None:
        x, y = self.x, self.y
        expected = self.trained(x, y, epochs=3)
        labelled = pd.DataFrame(x, columns=list("abcd")).assign(label=y)
        parquet, rows = self.path("data.parquet"), self.path("rows.parquet")
        labelled.to_parquet(parquet, row_group_size=5)
        pq.write_table(pa.table({"features": list(x), "label": y}), rows)

        def batches(*ends: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for start, end in itertools.pairwise((0, *ends, 24)):
                yield x[start:end], y[start:end]

        class Again:  # an iterable that can be asked for a second time
            def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
                return iter([{"x": x[:7], "target": y[:7]}, {"x": x[7:], "target": y[7:]}])

        table = pa.Table.from_pandas(labelled)
        for given in (
            (batches(10, 13),),
            (batches(),),
            (Again(),),
            (iter([labelled[:5], labelled[5:]]), "label"),
            (table.to_reader(max_chunksize=6), "label"),
            (parquet, "label"),
            (str(parquet), "label"),
            (rows, "label"),
            (pl.from_pandas(labelled).lazy(), "label"),
            (pl.scan_parquet(parquet), "label"),
        ):
            with self.subTest(kinds=[type(each) for each in given]):
                self.assertEqual(self.trained(*given, epochs=3), expected)
        model = strop.load(linear_model())
        history = strop.Trainer(model).fit(x, y, validation_data=(parquet, "label"))
        loss = strop.Trainer(model).evaluate(batches(3))["loss"]
        self.assertAlmostEqual(history.history["val_loss"][0], loss, places=6)

    def test_streams_that_do_not_hold_together_are_refused(self) -> None:
        x, y = self.x, self.y
        for batches, words in (
            ([], "found no batch"),
            ([(x, y), (x[:, :3], y)], r"batch 2: 'x': found float32 of \[3\] a sample"),
            ([(x, y), (x, y.astype(np.int32))], "batch 2: 'target': found int32"),
            ([{"x": x, "target": y}, {"x": x}], "batch 2: found x, expected x, target"),
            (zip(x, y, strict=True), r"found x \[4\], target \[\], expected arrays of as many"),
            ([(x, y[:3])], r"found x \[24, 4\], target \[3\]"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(ValueError, words):
                self.trained(iter(batches))
        with self.assertRaisesRegex(ValueError, "beside a stream"):
            self.trained(iter([(x, y)]), y)

    def test_files_in_memory_maps_are_read_as_they_are_needed(self) -> None:
        expected = self.trained(self.x, self.y, epochs=3)
        np.save(self.path("x.npy"), self.x)
        np.save(self.path("y.npy"), self.y)
        x = np.load(self.path("x.npy"), mmap_mode="r")
        y = np.load(self.path("y.npy"), mmap_mode="r+")
        private = np.load(self.path("x.npy"), mmap_mode="c")
        private[0] = 7  # which is in memory alone
        for given in ((x, y), (x[:], self.y), ({"x": x}, self.y), (self.x, y)):
            self.assertEqual(self.trained(*given, epochs=3), expected)
        self.assertNotEqual(self.trained(private, y, epochs=3), expected)
        self.assertEqual(private[0, 0], 7)
        with self.assertRaisesRegex(ValueError, "several lengths .x 24, target 20"):
            self.trained(x, self.y[:20])

    def test_a_path_has_its_target_by_name(self) -> None:
        data = self.save_data(x=self.x, target=self.y)
        other = self.save_data("other.npz", x=self.x, label=self.y)
        self.assertEqual(self.trained(other, "label"), self.trained(data))
        with self.assertRaisesRegex(ValueError, "beside a path, expected the name"):
            self.trained(data, self.y)
        with self.assertRaisesRegex(ValueError, "target: found 'a', expected 'label' as x has it"):
            self.trained(other, "label", target="a")

    def test_validation_data_has_the_same_forms(self) -> None:
        losses = set()
        for validation in (
            (self.x, self.y),
            {"x": self.x, "target": self.y},
            Pairs(self.x, self.y),
            self.save_data(x=self.x, target=self.y),
        ):
            model = strop.load(linear_model())
            history = strop.Trainer(model).fit(self.x, self.y, validation_data=validation)
            losses.add(history.epochs[-1].validation_loss)
        self.assertEqual(len(losses), 1)

    def test_columns_go_to_the_inputs_of_their_names(self) -> None:
        nodes = [
            helper.make_node("Add", ["x", "z"], ["s"]),
            helper.make_node("Gemm", ["s", "w", "b"], ["y"]),
        ]
        w = np.ones((1, 1), np.float32)
        b = np.zeros(1, np.float32)
        tensors = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")]
        proto = make_model(nodes, tensors, ["n", 1], ["n", 1])
        proto.graph.input.append(helper.make_tensor_value_info("z", 1, ["n", 1]))
        model = strop.load(proto)
        x, z = self.x[:, :1], self.x[:, 1:2]
        for given in ({"x": x, "z": z}, [x, z], (x, z)):
            np.testing.assert_allclose(model.run(given)["y"], x + z, rtol=1e-6)
        with self.assertRaisesRegex(ValueError, "one for each input; a dict of x, z"):
            model.run(x)

    def test_arrays_stay_where_they_are(self) -> None:
        for given in (self.x, {"x": self.x}, pd.DataFrame(self.x), pl.Series("x", self.x[:, 0])):
            named = named_arrays(["x"], given)
            if not isinstance(given, pd.DataFrame):  # whose columns become one array
                address = self.x if not isinstance(given, pl.Series) else given.to_numpy()
                self.assertTrue(np.shares_memory(named["x"], address))
        read_only = self.x.copy()
        read_only.flags.writeable = False
        self.assertEqual(self.trained(read_only, self.y), self.trained(self.x, self.y))

    def test_what_cannot_be_data_is_refused(self) -> None:
        frame = pd.DataFrame({"a": ["one", "two"], "b": [1, 2]})
        for given, kind, words in (
            ((frame, "c"), ValueError, "found no column 'c', expected one of a, b"),
            ((frame, "b"), ValueError, "column 'a': found"),
            ((Pairs(self.x, self.y), self.y), ValueError, "beside a dataset"),
            (
                (self.x, np.array(["a"] * 24)),
                ValueError,
                "y: found 'a' alone, expected at least two",
            ),
            ((self.x.astype(str), self.y), ValueError, "x: found texts, expected numbers"),
            ((self.x.astype(complex), self.y), TypeError, 'array "x": found an array of complex'),
            ((self.path("none.npz"),), FileNotFoundError, "none.npz"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(kind, words):
                self.trained(*given)

    def test_what_a_dataset_raises_comes_out(self) -> None:
        class Torn(Pairs):
            def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
                if index == 17:
                    raise LookupError("sample 17 is torn")
                return super().__getitem__(index)

        with self.assertRaisesRegex(LookupError, "sample 17 is torn"):
            self.trained(Torn(self.x, self.y))


if __name__ == "__main__":
    unittest.main()
