"""A program specialised for arguments, with the folder its results go to."""

from __future__ import annotations

import enum
import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from pypto._errors import error
from pypto.jit import registry, signature
from pypto.runtime import execution

_META_FILE = "compiled_meta.json"
_by_folder: dict[Path, "CompiledProgram"] = {}


class ParamDirection(enum.Enum):
    In = "in"
    Out = "out"
    InOut = "inout"


@dataclass(frozen=True)
class ParamInfo:
    """A parameter as the harness asks for it; shape is None for a scalar."""

    name: str
    direction: ParamDirection
    shape: list[int] | None
    dtype: Any


def work_folder(name: str, output_dir: str | None = None) -> Path:
    """build_output/<name>_<time>, as upstream; a second one in the same second gets a number."""
    if output_dir is not None:
        folder = Path(output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    base = Path(os.environ.get("PYPTO_PROG_BUILD_DIR") or "build_output")
    stem = f"{name}_{datetime.now().strftime('%Y%m%d_%H%M%S')}"
    number = 1
    while True:
        folder = base / (stem if number == 1 else f"{stem}_{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


class CompiledProgram:
    """What `compile` gives: nothing is generated, the program runs from its source."""

    meta_file = _META_FILE

    def __init__(self, program: Any, output_dir: Path, platform: str | None,
                 tensor_meta: dict[str, signature.TensorMeta] | None = None) -> None:
        self._program = program
        self._output_dir = output_dir
        self._platform = platform
        self._tensor_meta = tensor_meta or {}
        self.last_results: list[dict[str, Any]] = []
        _by_folder[output_dir.resolve()] = self

    @classmethod
    def create(cls, program: Any, tensor_meta: dict[str, signature.TensorMeta],
               platform: str | None, output_dir: str | None = None,
               **options: Any) -> CompiledProgram:
        """With a new work folder, that says in a small file which program it belongs to."""
        folder = work_folder(program.__name__, output_dir)
        compiled = cls(program, folder, platform, tensor_meta, **options)
        meta = {"program": program.__name__, "function": program.__qualname__,
                "file": os.path.abspath(program.source_file), "platform": compiled.platform,
                **compiled._more_meta()}
        (folder / cls.meta_file).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
        return compiled

    def _more_meta(self) -> dict[str, Any]:
        return {}

    @classmethod
    def at(cls, folder: Path) -> CompiledProgram:
        """The program a work folder belongs to, also one of an earlier process."""
        known = _by_folder.get(folder.resolve())
        return known if known is not None else cls(*cls._read_meta(folder))

    @classmethod
    def _read_meta(cls, folder: Path) -> tuple[Any, Path, str]:
        try:
            meta = json.loads((folder / cls.meta_file).read_text(encoding="utf-8"))
            file, function, platform = meta["file"], meta["function"], meta["platform"]
        except (OSError, ValueError, KeyError) as problem:
            raise error(f"{folder} is not a work folder: {cls.meta_file} cannot be read "
                        f"({type(problem).__name__})", "python.work-folder") from None
        program = registry.find(file, function)
        if program is None:
            raise error(f"{folder} belongs to {function} of {file}, which this process has not "
                        "loaded; run that file", "python.work-folder")
        return program, folder, platform

    @property
    def output_dir(self) -> Path:
        return self._output_dir

    @property
    def platform(self) -> str:
        return self._platform or "a2a3sim"

    @property
    def program(self) -> Any:
        return self._program

    @property
    def param_names(self) -> list[str]:
        return [p.name for p in self._program.parameters]

    def _get_metadata(self) -> tuple[list[ParamInfo], list[int], list[Any]]:
        """(parameters in order, indices of outputs, return types)"""
        infos = [self._info(p) for p in self._program.parameters]
        outputs = [i for i, p in enumerate(infos) if p.direction is not ParamDirection.In]
        return infos, outputs, []

    def _info(self, parameter: signature.Parameter) -> ParamInfo:
        direction = ParamDirection(parameter.role)
        meta = self._tensor_meta.get(parameter.name)
        if meta is not None:
            return ParamInfo(parameter.name, direction, list(meta.shape), meta.dtype)
        return ParamInfo(parameter.name, direction, parameter.shape, parameter.dtype)

    def __call__(self, *args: Any, config: Any = None) -> Any:
        return self.launch(list(args), config, None)

    def launch(self, values: list[Any], config: Any, device: int | None) -> Any:
        """Runs; outputs that were left out are made and returned."""
        from pypto.runtime.config import dfx_of

        platform = config.platform if config is not None else self.platform
        device_id = device if device is not None else getattr(config, "device_id", 0)
        values, made = self._with_outputs(values)
        self.execute(values, platform, dfx_of(config), device_id)
        return made[0] if len(made) == 1 else tuple(made) or None

    def execute(self, values: list[Any], platform: str, dfx: Any, device_id: int = 0) -> None:
        del device_id  # every device is the same model
        result = execution.execute(
            execution.Launch(
                self._program, platform, self._output_dir, swimlane=dfx.swimlane_level,
                pmu=dfx.pmu_group, dep_gen=dfx.enable_dep_gen),
            values)
        self.last_results = [result]
        _report(self._program, self._output_dir, result)

    def _with_outputs(self, values: list[Any]) -> tuple[list[Any], list[torch.Tensor]]:
        """A call that passes only inputs gets its outputs made, of the annotated shapes."""
        parameters = self._program.parameters
        inputs = [p for p in parameters if p.role != "out"]
        if len(values) != len(inputs) or len(values) == len(parameters):
            return values, []
        named = dict(zip((p.name for p in inputs), values))
        signature.bind_dynamic_dims(parameters, named)
        made = []
        for parameter in parameters:
            if parameter.role == "out":
                if parameter.shape is None:
                    raise error(f"{self._program.__name__}: output {parameter.name} has no shape "
                                "in its annotation, so it must be passed", "python.call")
                named[parameter.name] = torch.zeros(
                    [int(d) for d in parameter.shape],
                    dtype=signature.torch_dtype(parameter.dtype))
                made.append(named[parameter.name])
        return [named[p.name] for p in parameters], made


def _report(program: Any, folder: Path, result: dict[str, Any]) -> None:
    """What the reader of the harness's output looks for."""
    print(f"[a2a3sim] {program.__name__}: predicted {result['wall_us']:.1f} us, "
          f"{result['tasks']} tasks -> {folder}", flush=True)
    for pattern, what in (("merged_swimlane_*.json*", "Swimlane JSON"), ("deps.json", "deps.json"),
                          ("pmu.csv", "PMU CSV")):
        for path in sorted((folder / "dfx_outputs").glob(pattern)):
            print(f"{what} written to: {path}", flush=True)
    for problem in [*result.get("diagnostics", ()), *result.get("hazards", ())]:
        print(f"[a2a3sim] warning: {problem}", file=sys.stderr, flush=True)


def _to_torch_dtype(dtype: Any) -> torch.dtype | None:
    return signature.torch_dtype(dtype)


def _to_runtime_shape(shape: list[int], dtype: Any) -> list[int]:
    del dtype  # no element type here is packed
    return list(shape)
