"""What passes through llama.cpp's graph while it decodes: queries and attention weights.

llama.cpp asks a callback before each tensor whether it wants to see it, and shows it afterwards.
The names and shapes are those of the release that pyproject.toml pins; `llama.self_test` compares
them with each other before anything relies on them.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import ReaderError
from edgelingua.kv.state import Signal
from edgelingua.llama.library import libggml, llama_cpp


class Tensor(ctypes.Structure):
    """ggml's tensor, up to its name."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
    )

    @property
    def layer(self) -> int:
        """The layer that its name ends with."""
        return int(self.name.rpartition(b"-")[2])


_get = libggml.ggml_backend_tensor_get
_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
_get.restype = None
_op_name = libggml.ggml_op_name
_op_name.argtypes = [ctypes.c_int]
_op_name.restype = ctypes.c_char_p

_OPS = {_op_name(number): number for number in range(60)}
_ROPE, _SOFT_MAX, _SET_ROWS = (_OPS.get(name, -1) for name in (b"ROPE", b"SOFT_MAX", b"SET_ROWS"))
_OP_AT = Tensor.op.offset


class Hook:
    """Listens to a context while it decodes; set `listen` before, read the rest after.

    ``queries``: layer → ``(t, heads, size)`` of the last `last_queries` tokens. ``attention``:
    layer → ``(cells,)``, sum over the tokens, mean over heads. ``cells``: the cell of each token.
    ``weights``: layer → ``(heads, t, cells)``, if `keep_weights`.
    """

    def __init__(self, last_queries: int, *, keep_weights: bool = False) -> None:
        self.last_queries = last_queries
        self.keep_weights = keep_weights
        self.callback = llama_cpp.ggml_backend_sched_eval_callback(self._called)
        self.begin(frozenset())

    def begin(self, listen: frozenset[Signal]) -> None:
        """Forget the last decode, and say what to listen for in the next one."""
        self._queries = "queries" in listen
        self._attention = "attention" in listen
        self._error: BaseException | None = None
        self.queries: dict[int, NDArray[np.float32]] = {}
        self.attention: dict[int, NDArray[np.float32]] = {}
        self.weights: dict[int, NDArray[np.float32]] = {}
        self.cells: NDArray[np.int64] | None = None

    def end(self) -> None:
        """Raise what went wrong inside the callback, which must not raise itself."""
        if self._error is not None:
            if not isinstance(self._error, Exception):
                raise self._error  # a request to stop that came just then
            raise ReaderError(
                f"listening to llama.cpp failed: {self._error}; use a policy that needs neither "
                "queries nor attention"
            ) from self._error

    def _called(self, address: int, ask: bool, _: Any) -> bool:
        if ask and not (self._queries or self._attention):
            return False
        try:
            if ask:
                return self._error is None and self._wanted(address)
            self._take(Tensor.from_address(address))
        except BaseException as error:
            self._error = error
        # No to the data itself would stop the decode, and llama.cpp would call that a success.
        return not ask

    def _wanted(self, address: int) -> bool:
        # A thousand tensors pass per token: most are told apart by one number.
        op = ctypes.c_int.from_address(address + _OP_AT).value
        if op == _ROPE:
            return self._queries and Tensor.from_address(address).name.startswith(b"Qcur-")
        if not self._attention:
            return False
        if op == _SET_ROWS and self.cells is None:
            tensor = Tensor.from_address(address)
            if tensor.name.startswith(b"cache_k_l"):
                # Which cell each token goes to: an input, filled before anything runs.
                self.cells = _read(Tensor.from_address(tensor.src[1]), np.int64)
            return False
        return op == _SOFT_MAX and Tensor.from_address(address).name.startswith(b"kq_soft_max-")

    def _take(self, tensor: Tensor) -> None:
        layer = tensor.layer
        if tensor.op == _ROPE:
            size, heads, count, _ = tensor.ne
            skipped = max(0, count - self.last_queries) * heads * size
            self.queries[layer] = _read(tensor, np.float32, skipped).reshape(-1, heads, size)
            return
        weights = self._softmax(tensor)
        self.attention[layer] = weights.sum(axis=(0, 1)) / np.float32(len(weights))
        if self.keep_weights:
            self.weights[layer] = weights

    @staticmethod
    def _softmax(tensor: Tensor) -> NDArray[np.float32]:
        """Attention weights of a layer: ``(heads, t, cells)``."""
        cells, count, heads, streams = tensor.ne
        if streams != 1:
            raise ReaderError(f"attention of {streams} streams, expected one")
        return _read(tensor, np.float32).reshape(heads, count, cells)


def _read(tensor: Tensor, dtype: type[Any], skipped: int = 0) -> NDArray[Any]:
    """Copy a contiguous tensor, flat, but for the first ``skipped`` values."""
    shape = list(tensor.ne)
    strides = [tensor.nb[0] * math.prod(shape[:axis]) for axis in range(4)]
    item = np.dtype(dtype).itemsize
    if tensor.nb[0] != item or list(tensor.nb) != strides:
        raise ReaderError(f"{tensor.name.decode()}: laid out as {list(tensor.nb)}, not plainly")
    values = np.empty(math.prod(shape) - skipped, dtype=dtype)
    _get(ctypes.addressof(tensor), values.ctypes.data, skipped * item, values.nbytes)
    return values
