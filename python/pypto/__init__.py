"""pypto for a2a3sim: runs `pypto.language` programs on a modelled Ascend chip.

The names and argument forms are upstream's. Every operation, rule and error is the C++ library's
(`pypto._core`); no file of this package computes values.
"""

from pypto import _environment, _golden

_environment.limit_threads()  # before torch is imported: it reads them once

try:
    from pypto import _core
except ImportError as error:  # pragma: no cover - a broken build
    raise ImportError(f"the extension pypto._core cannot be loaded: {error}") from error

from pypto._errors import Error  # noqa: E402
from pypto import _torch_compat  # noqa: E402

_environment.make_torch_importable()
_torch_compat.install()
_environment.seed_if_asked()
_environment.install_excepthook()
_environment.make_golden_importable()
_golden.skip_if_asked()

DataType = _core.DType

DT_BOOL = _core.BOOL
DT_INT8 = _core.INT8
DT_INT16 = _core.INT16
DT_INT32 = _core.INT32
DT_INT64 = _core.INT64
DT_UINT8 = _core.UINT8
DT_UINT16 = _core.UINT16
DT_UINT32 = _core.UINT32
DT_FP16 = _core.FP16
DT_FP32 = _core.FP32
DT_BF16 = _core.BF16
DT_INDEX = _core.INDEX

__version__ = "0.1.0"

__all__ = ["DataType", "Error"] + [name for name in globals() if name.startswith("DT_")]
