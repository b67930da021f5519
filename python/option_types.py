"""Writes the modules of the package that are made from the table of options.

python option_types.py STROP FOLDER

FOLDER gets option_types.py, typed dicts of keyword arguments for editors and type checkers, and
operations.py, a function for each command of the program STROP.
"""

import importlib.util
import keyword
import pathlib
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from types import ModuleType
from typing import Any

HERE = pathlib.Path(__file__).parent
# Rows are the module's Option, commands its Command; the package itself is not built yet.
Row = Any
IMPORTS = """\
from collections.abc import Iterable
from typing import {names}

from strop.option_rows import Integer, Number, PathText
"""


def load_rows() -> ModuleType:
    """strop.option_rows, without the package."""
    spec = importlib.util.spec_from_file_location("option_rows", HERE / "strop/option_rows.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quoted(text: str, indent: int = 4, hanging: int = 0) -> str:
    """A docstring of that text, in lines of at most 100 columns where words are not longer."""
    lines = []
    for line in text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').split("\n"):
        deeper = " " * (len(line) - len(line.lstrip()) + hanging)
        width = 100 - indent - len('"""')
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=deeper,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    end = "\n" if len(lines) > 1 else ""
    return textwrap.indent('"""' + "\n".join(lines) + end + '"""', " " * indent)


def described(row: Row) -> str:
    """What an option is, without its name."""
    return str(row.describe()).partition(": ")[2]


def typed_dict(name: str, description: str, rows: Iterable[Row], optional: bool = True) -> str:
    """A class; `optional`: options that a command needs may be left out, too."""
    lines = [f"class {name}(TypedDict, total=False):", quoted(description)]
    for row in rows:
        assert row.keyword.isidentifier() and not keyword.iskeyword(row.keyword), row.keyword
        is_required = row.is_required and not optional
        kind = f"Required[{row.annotation}]" if is_required else row.annotation
        lines += ["", f"    {row.keyword}: {kind}", quoted(described(row))]
    return "\n".join(lines) + "\n"


def option_types(rows: ModuleType, commands: dict[str, Any]) -> str:
    """The typed dicts of what models, trainers and estimators take."""
    train, new = commands["train"].rows.values(), commands["new"].rows.values()
    landscape = rows.landscape_options(commands["landscape"].rows.values())
    trainer = [row for row in rows.trainer_options(train) if row.keyword != "loss"]
    classes = [
        ("LoadOptions", "Options of `strop.load`.", rows.model_options(train)),
        ("TrainerOptions", "Options of `strop.Trainer`.", trainer),
        (
            "LossTrainerOptions",
            "Options of `strop.LossTrainer`.",
            rows.loss_trainer_options(train),
        ),
        ("LossOptions", "Options of `Model.gradient_flow`.", rows.loss_options(train)),
        (
            "LossLandscapeOptions",
            "Options of `strop.landscape`.",
            [row for row in landscape if row.keyword != "path"],
        ),
        ("LoraOptions", "Options of `Model.add_lora`.", rows.lora_options(train)),
        ("QuantizeOptions", "Options of `Model.quantize`.", rows.quantize_options(train)),
        ("SaveOptions", "Options of `Model.save`.", rows.saving_options(train)),
        (
            "EstimatorOptions",
            "The dict `options` of the estimators for scikit-learn.",
            rows.estimator_options(train),
        ),
        (
            "ArchitectureOptions",
            "The dict `architecture_options` of the estimators for scikit-learn.",
            rows.architecture_options(new),
        ),
    ]
    head = (
        '"""Keyword arguments as static tools know them, made from the table of options."""\n\n'
        + IMPORTS.format(names="Literal, TypedDict")
    )
    return "\n\n".join([head, *(typed_dict(*each) for each in classes)])


def operation(command: Any) -> str:
    """The typed dict of a command's options, and its function."""
    options = "".join(word.capitalize() for word in command.name.split("-")) + "Options"
    may_come_of_file = "config" in command.rows
    placed = [row for row in command.rows.values() if row.is_positional]
    named = [row for row in command.rows.values() if not row.is_positional]
    parameters, arguments, lines = [], [], []
    for row in placed:
        name, kind = row.keyword.lower(), row.annotation
        if row.is_required and not may_come_of_file:
            parameters.append(f"{name}: {kind.removesuffix(' | None')}")
        else:
            parameters.append(f"{name}: {kind} = None")
        arguments.append(f"{row.keyword}={name}")
        lines.append(f"{name}: {described(row)}")
    lines += ["", "Options:", *(f"    {row.describe()}" for row in named)]
    text = f"{command.help}.\n\n" + "\n".join(lines)
    function = (
        f"def {command.name.replace('-', '_')}(\n"
        f"    {', '.join([*parameters, f'**options: Unpack[{options}]'])}\n"
        f") -> Any:\n"
        f"{quoted(text, hanging=4)}\n"
        f"    return perform({', '.join([repr(command.name), *arguments, '**options'])})\n"
    )
    about = f"Options of `strop {command.name}`."
    return typed_dict(options, about, named, may_come_of_file) + "\n\n" + function


def operations(commands: dict[str, Any]) -> str:
    head = '''"""What the program's commands do with files: a function for each.

    >>> import strop
    >>> made = strop.operations.new("mlp", input="4", classes=3, output="model.onnx", seed=1)
    >>> [value["name"] for value in strop.operations.inspect("model.onnx")["inputs"]]
    ['features']

Each gives what the command prints with --json, read, or None. It raises TypeError for an option
that there is not, and what strop.errors has. Made from the table of options.
"""

'''
    imports = IMPORTS.format(names="Any, Literal, Required, TypedDict, Unpack")
    imports += "from strop.program import perform\n"
    return "\n\n".join([head + imports, *map(operation, commands.values())])


def main(program: str, folder: pathlib.Path) -> None:
    listed = subprocess.run([program, "--list-options"], capture_output=True, check=True).stdout
    rows = load_rows()
    commands = rows.commands_of(listed)
    for name, text in (
        ("option_types.py", option_types(rows, commands)),
        ("operations.py", operations(commands)),
    ):
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
