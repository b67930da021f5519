#pragma once

#include <nanobind/nanobind.h>

namespace strop {

// What is given and taken as the stub _strop.pyi, which is made from the module, names it.

inline bool IsAnything(PyObject*) { return true; }
inline bool IsFunctionOrNone(PyObject* value) {
  return value == Py_None || PyCallable_Check(value) != 0;
}

// Functions that are called back, or None.
class LineFunction : public nanobind::object {
  NB_OBJECT(LineFunction, nanobind::object, "collections.abc.Callable[[str], object]",
            IsFunctionOrNone)
};
class ProgressFunction : public nanobind::object {
  NB_OBJECT(ProgressFunction, nanobind::object, "collections.abc.Callable[[str, int, int], object]",
            IsFunctionOrNone)
};
class StepFunction : public nanobind::object {
  NB_OBJECT(StepFunction, nanobind::object, "collections.abc.Callable[[StepRecord], object]",
            IsFunctionOrNone)
};
class EpochFunction : public nanobind::object {
  NB_OBJECT(EpochFunction, nanobind::object, "collections.abc.Callable[[EpochRecord], object]",
            IsFunctionOrNone)
};
class StopFunction : public nanobind::object {
  NB_OBJECT(StopFunction, nanobind::object, "collections.abc.Callable[[], bool]", IsFunctionOrNone)
};
// (outputs by name, targets, whether gradients are wanted) gives the loss, and gradients by output.
class LossFunction : public nanobind::object {
  NB_OBJECT(LossFunction, nanobind::object,
            "collections.abc.Callable[[dict[str, Array], Array, bool], "
            "tuple[float, dict[str, Array] | None]]",
            IsFunctionOrNone)
};
// ([index, …]) gives an array for each field.
class ReadFunction : public nanobind::object {
  NB_OBJECT(ReadFunction, nanobind::object,
            "collections.abc.Callable[[list[int]], collections.abc.Sequence[object]]",
            PyCallable_Check)
};

// {name: array of whoever's}
class GivenArrays : public nanobind::dict {
  NB_OBJECT_DEFAULT(GivenArrays, nanobind::dict, "dict[str, typing.Any]", PyDict_Check)
};
class NumpyArray : public nanobind::object {
  NB_OBJECT(NumpyArray, nanobind::object, "Array", IsAnything)
};
// {name: array of NumPy's}
class NumpyArrays : public nanobind::dict {
  NB_OBJECT_DEFAULT(NumpyArrays, nanobind::dict, "dict[str, Array]", PyDict_Check)
};

// Dicts of strop.records.
class StepRecord : public nanobind::dict {
  NB_OBJECT_DEFAULT(StepRecord, nanobind::dict, "StepRecord", PyDict_Check)
};
class EpochRecord : public nanobind::dict {
  NB_OBJECT_DEFAULT(EpochRecord, nanobind::dict, "EpochRecord", PyDict_Check)
};
class ResultRecord : public nanobind::dict {
  NB_OBJECT_DEFAULT(ResultRecord, nanobind::dict, "ResultRecord", PyDict_Check)
};

// (name, type, shape): an open dimension is None, a shape of open rank, too.
class ValueList : public nanobind::list {
  NB_OBJECT_DEFAULT(ValueList, nanobind::list,
                    "list[tuple[str, str, tuple[int | None, ...] | None]]", PyList_Check)
};
// (name, type, shape, role, reason, position)
class ParameterList : public nanobind::list {
  NB_OBJECT_DEFAULT(ParameterList, nanobind::list,
                    "list[tuple[str, str, tuple[int, ...], str, str, int]]", PyList_Check)
};
class MetadataDict : public nanobind::dict {
  NB_OBJECT_DEFAULT(MetadataDict, nanobind::dict, "dict[str, str]", PyDict_Check)
};
class PathText : public nanobind::object {
  NB_OBJECT(PathText, nanobind::object, "str | os.PathLike[str]", IsAnything)
};

}  // namespace strop
