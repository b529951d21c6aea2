"""Writes golden-table.json: every op on all twelve dtypes, for golden-table.test.ts: results, gradients and refusals.

Run with a Python that has torch 2.15: python test/ops/golden_table.py. Inputs follow a formula that the test knows, too, so only calls and results
are kept. A tensor is written as its kind and sizes: r23 has real numbers and shape [2, 3], p positive ones, u in (-1, 1), m is a mask,
i23.4 has indices below 4.
"""
import json
import math
import pathlib
import re
import warnings

import torch
import torch.nn.functional as F

# The order of src/tensor/dtype.ts.
DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
DTYPES += [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]

UNARY = (
    "neg positive sign sgn ceil floor round trunc fix frac exp exp2 expm1 sin cos tan sinh cosh tanh asinh atan sigmoid erf erfc sinc deg2rad rad2deg "
    "isnan isinf isfinite isposinf isneginf isreal nan_to_num logical_not bitwise_not square angle conj abs relu signbit reciprocal"
).split()
POSITIVE = "log log2 log10 log1p sqrt rsqrt lgamma digamma".split()
UNIT = "asin acos atanh erfinv".split()
BINARY = (
    "add sub mul div true_divide floor_divide remainder fmod pow float_power atan2 hypot copysign maximum minimum fmax fmin logaddexp logaddexp2 xlogy "
    "gcd lcm bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift logical_and logical_or logical_xor eq ne lt le gt ge isclose"
).split()
SCALED = "add sub mul div floor_divide remainder fmod pow eq lt ge bitwise_and rsub".split()
REDUCTIONS = "sum mean prod nansum nanmean std var amax amin argmax argmin all any count_nonzero".split()

CALLS = [(name, "r23") for name in UNARY] + [(name, "p23") for name in POSITIVE] + [(name, "u23") for name in UNIT]
CALLS += [("acosh", "p23"), ("logit", "u23"), ("polygamma", 1, "p23"), ("frexp", "r23"), ("real", "r23"), ("softmax", "r23", 1)]
CALLS += [(name, "r23", "p3") for name in BINARY] + [(name, "p23", scalar) for name in SCALED for scalar in (2, 2.5, True)]
CALLS += [("nextafter", "r23", "r3"), ("ldexp", "r23", "i3.4"), ("heaviside", "r23", "r3"), ("equal", "r23", "r23"), ("allclose", "r23", "r23")]
CALLS += [("add", "r23", "r3", {"alpha": 2}), ("div", "r23", "p3", {"rounding_mode": "=floor"}), ("div", "r23", "p3", {"rounding_mode": "=trunc"})]
CALLS += [("where", "m23", "r23", "r3"), ("where", "m23", "r23", 2), ("lerp", "r23", "r3", 0.25), ("lerp", "r23", "r3", "r23")]
CALLS += [("addcmul", "r23", "r3", "r23", {"value": 2}), ("addcdiv", "r23", "r3", "p23"), ("clamp", "r23", -1, 1), ("clamp", "r23", {"min": "r3"})]
CALLS += [("clamp_min", "r23", 0), ("clamp_max", "r23", "r3"), ("masked_fill", "r23", "m3", 2), ("complex", "r23", "r3"), ("polar", "p23", "r3")]
CALLS += [(name, "r23") for name in REDUCTIONS] + [(name, "r23", 1) for name in REDUCTIONS] + [("sum", "r03"), ("prod", "r", 0), ("mean", "r23", [0, 1], True)]
CALLS += [(name, "r23", {"dim": 0, "keepdim": True}) for name in ("sum", "var", "std", "amax", "any")] + [("std_mean", "r23", 1), ("var_mean", "r23", 1)]
CALLS += [("aminmax", "r23"), ("max", "r23"), ("min", "r23"), ("max", "r23", 1), ("min", "r23", 0, True), ("max", "r23", "r3"), ("min", "r23", "r3")]
CALLS += [("median", "r23"), ("median", "r23", 1), ("nanmedian", "r23"), ("mode", "r23", 1), ("kthvalue", "r23", 2), ("quantile", "r23", 0.3)]
CALLS += [("nanquantile", "r23", 0.3, 1), ("logsumexp", "r23", 1), ("norm", "r23"), ("norm", "r23", 1, 0), ("norm", "r23", math.inf), ("dist", "r23", "r3")]
CALLS += [("renorm", "r23", 2, 0, 1.5), ("cdist", "r23", "r43"), ("cumsum", "r23", 1), ("cumprod", "r23", 1), ("cummax", "r23", 1), ("cummin", "r23", 0)]
CALLS += [("logcumsumexp", "r23", 1), ("diff", "r23"), ("trapezoid", "r23"), ("cumulative_trapezoid", "r23", "r3"), ("bincount", "i6.4"), ("bincount", "p6")]
CALLS += [("histc", "r23", 4), ("histogram", "r23", 3), ("cov", "r23"), ("corrcoef", "r23")]
CALLS += [("reshape", "r23", [3, 2]), ("flatten", "r23"), ("squeeze", "r13"), ("unsqueeze", "r3", 0), ("transpose", "r23", 0, 1), ("permute", "r23", [1, 0])]
CALLS += [("movedim", "r23", 0, 1), ("t", "r23"), ("adjoint", "r23"), ("broadcast_to", "r3", [2, 3]), ("tile", "r3", [2]), ("roll", "r23", 1, 0)]
CALLS += [("repeat_interleave", "r3", 2), ("flip", "r23", [0]), ("fliplr", "r23"), ("flipud", "r23"), ("rot90", "r23"), ("unbind", "r23"), ("split", "r3", 2)]
CALLS += [("tensor_split", "r3", 2), ("chunk", "r3", 2), ("narrow", "r23", 1, 1, 2), ("select", "r23", 1, 0), ("cat", ["r23", "r13"]), ("stack", ["r3", "r3"])]
CALLS += [("hstack", ["r2", "r3"]), ("vstack", ["r3", "r3"]), ("dstack", ["r3", "r3"]), ("column_stack", ["r3", "r3"]), ("block_diag", "r2", "r3")]
CALLS += [("diagonal", "r33"), ("diag", "r3"), ("diag_embed", "r3"), ("diagflat", "r3", 1), ("trace", "r33"), ("tril", "r33"), ("triu", "r33", 1)]
CALLS += [("clone", "r23"), ("view_as_real", "r3"), ("view_as_complex", "r32"), ("vander", "r3"), ("combinations", "r3"), ("cartesian_prod", "r2", "r2")]
CALLS += [("index_select", "r23", 1, "i2.3"), ("gather", "r23", 1, "i22.3"), ("scatter", "r23", 1, "i22.3", "p22"), ("scatter", "r23", 1, "i22.3", 2)]
CALLS += [("scatter_add", "r23", 1, "i22.3", "r22"), ("index_add", "r23", 0, "i2.2", "r23"), ("index_copy", "r23", 0, "i1.2", "r13")]
CALLS += [("scatter_reduce", "r23", 1, "i22.3", "r22", mode) for mode in ("=sum", "=prod", "=mean", "=amax")] + [("index_fill", "r23", 1, "i1.3", 2)]
CALLS += [("index_reduce", "r23", 0, "i2.2", "r23", mode) for mode in ("=prod", "=mean", "=amin")] + [("take", "r23", "i3.6"), ("take_along_dim", "r23", "i13.2", 0)]
CALLS += [("masked_select", "r23", "m23"), ("masked_scatter", "r23", "m23", "r6"), ("put", "r23", "i1.6", "r1"), ("nonzero", "r23"), ("argwhere", "r23")]
CALLS += [("index_put", "r23", ["i1.2", "i1.3"], "r1", {"accumulate": True}), ("isin", "r23", "r3"), ("select_scatter", "r23", "r3", 0, 1)]
CALLS += [("slice_scatter", "r23", "r13", 0, 0, 1), ("diagonal_scatter", "r33", "r3"), ("searchsorted", "i3.9", "i23.9"), ("bucketize", "r3", "p1")]
CALLS += [("sort", "p3"), ("argsort", "p3"), ("msort", "p32"), ("topk", "p3", 2), ("unique", "r23"), ("unique_consecutive", "r6")]
CALLS += [("matmul", "r23", "r32"), ("matmul", "r3", "r32"), ("matmul", "r223", "r32"), ("mm", "r23", "r32"), ("bmm", "r223", "r232"), ("mv", "r23", "r3")]
CALLS += [("dot", "r3", "r3"), ("vdot", "r3", "r3"), ("outer", "r2", "r3"), ("inner", "r23", "r3"), ("kron", "r2", "r3"), ("cross", "r23", "r23")]
CALLS += [("addmm", "r2", "r23", "r32", {"beta": 2}), ("addmv", "r2", "r23", "r3"), ("addr", "r23", "r2", "r3"), ("baddbmm", "r2", "r223", "r232")]
CALLS += [("addbmm", "r22", "r223", "r232"), ("einsum", "=ij,kj->ik", "r23", "r43"), ("einsum", "=ii", "r33"), ("tensordot", "r23", "r32", {"dims": 1})]
CALLS += [("chain_matmul", "r23", "r32", "r23"), ("zeros_like", "r23"), ("ones_like", "r23"), ("full_like", "r23", 2), ("meshgrid", "r2", "r3", {"indexing": "=ij"})]
CALLS += [("broadcast_tensors", "r3", "r23"), ("atleast_2d", "r3"), ("unfold", "r3", 0, 2, 1), ("unflatten", "r4", 0, [2, 2]), ("expand", "r13", 2, 3), ("repeat", "r3", 2)]
CALLS += [("mvlgamma", "p23", 2), ("unravel_index", "i3.6", [2, 3])]

TENSOR = re.compile(r"^([rpum])(\d*)$|^i(\d*)\.(\d+)$")
LAYOUTS = 4
# torch 2.15 reads elements that an expanded tensor does not have.
NEVER_EXPANDED = {"median", "nanmedian", "kthvalue", "mode", "topk"}


def make(token, dtype, seed, layout):
    kind, sizes, index_sizes, bound = TENSOR.match(token).groups()
    shape = [int(c) for c in (sizes if kind else index_sizes)]
    k = torch.arange(math.prod(shape)).reshape(shape)
    n = (k * 37 + seed * 11 + 5) % 23 - 11
    if bound is not None:
        t = ((k * 7 + seed) % int(bound)).long()
    elif kind == "m":
        t = n > 0
    else:
        whole = n + 12 if kind == "p" else n
        if dtype == torch.bool:
            t = n > 0
        elif not (dtype.is_floating_point or dtype.is_complex):
            t = ((n > 0).long() if kind == "u" else whole + 11 if dtype == torch.uint8 and kind == "r" else whole).to(dtype)
        else:
            t = whole.double() / (16 if kind == "u" else 4)
            t = torch.complex(t, ((k * 17 + seed * 7 + 3) % 19 - 9).double() / 4).to(dtype) if dtype.is_complex else t.to(dtype)
    if layout == 1 and t.dim() >= 2:
        return t.mT.contiguous().mT
    if layout == 2 and t.dim() >= 1 and bound is None:
        return t.narrow(0, 0, min(1, t.shape[0])).expand(t.shape)
    if layout >= 1 and t.dim() >= 1:
        return torch.stack([t, t], -1).select(-1, 0)
    return t


def short(value, digits):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        rounded = float(f"%.{digits}g" % value)
        return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
    return value if not isinstance(value, int) or abs(value) < 2**53 else str(value)


def encode(value):
    """A tensor as dtype, shape, elements: complex ones as two numbers."""
    if not isinstance(value, torch.Tensor):
        return value
    flat = torch.zeros(value.shape, dtype=value.dtype) if value._is_zerotensor() else value.detach().resolve_conj().resolve_neg()
    parts = torch.view_as_real(flat) if flat.is_complex() else flat
    digits = 4 if value.dtype in DTYPES[6:8] else 8 if value.dtype in (torch.float64, torch.complex128) else 6
    return [DTYPES.index(value.dtype), list(value.shape), [short(v, digits) for v in parts.flatten().tolist()]]


def build(arg, dtype, seed, layout):
    if isinstance(arg, str):
        return arg[1:] if arg[0] == "=" else make(arg, dtype, seed, layout)
    if isinstance(arg, list) and arg and isinstance(arg[0], str):
        return [build(one, dtype, seed + i, layout) for i, one in enumerate(arg)]
    return arg


def weights(t):
    w = ((torch.arange(t.numel()) % 3 + 1).reshape(t.shape)).to(t.dtype)
    return w * (1 - 0.5j) if t.is_complex() else w


def outcome(call, dtype, layout):
    """0 where torch refuses, None where the result has a dtype of torch alone; else the results and, where there is one, the gradient of the first tensor (0: refused)."""
    name, *args = call
    options = args.pop() if isinstance(args[-1], dict) else {}
    given = [build(arg, dtype, i + 1, layout) for i, arg in enumerate(args)]
    options = {key: build(arg, dtype, 9, 0) for key, arg in options.items()}
    leaf = next((t for t in given if isinstance(t, torch.Tensor) and t.dtype == dtype), None)
    if leaf is not None and (dtype.is_floating_point or dtype.is_complex):
        leaf.requires_grad_()
    function = getattr(torch, name, None) or getattr(torch.Tensor, name)
    try:
        result = function(*given, **options)
    except Exception:  # refusals are results, too
        return 0
    several = isinstance(result, (tuple, list))
    results = list(result) if several else [result]
    if any(isinstance(r, torch.Tensor) and r.dtype not in DTYPES for r in results):
        return None  # complex32, which cellgrad has not
    row = [[encode(r) for r in results]] if several else [encode(results[0])]
    weighted = [(r * weights(r)).sum() for r in results if isinstance(r, torch.Tensor) and r.requires_grad]
    if weighted:
        try:
            loss = sum(w.real.double() if w.is_complex() else w.double() for w in weighted)
            (grad,) = torch.autograd.grad(loss, [leaf], allow_unused=True)
            row.append(None if grad is None else encode(grad)[2])
        except Exception:
            row.append(0)
    return row


def changed(call, dtype):
    """Of the in-place form: 0 where torch refuses it, 1 where it gives the result in the tensor's own dtype."""
    name, *args = call
    options = args.pop() if isinstance(args[-1], dict) else {}
    given = [build(arg, dtype, i + 1, 0) for i, arg in enumerate(args)]
    options = {key: build(arg, dtype, 9, 0) for key, arg in options.items()}
    try:
        getattr(given[0], name + "_")(*given[1:], **options)
    except Exception:
        return 0
    return 1


def main():
    warnings.simplefilter("ignore")
    rows = []
    for number, call in enumerate(CALLS):
        name = call[0]
        layouts = [(number + i) % LAYOUTS for i in range(len(DTYPES))]
        if name in NEVER_EXPANDED:
            layouts = [3 if layout == 2 else layout for layout in layouts]
        method = hasattr(torch.Tensor, name) and name != "where" and isinstance(call[1], str) and call[1][0] != "="
        forms = ("f" if hasattr(torch, name) else "") + ("m" if method else "")
        row = {"call": [x if x != math.inf else "inf" for x in call], "forms": forms, "layouts": layouts}
        row["out"] = [outcome(call, dtype, layout) for dtype, layout in zip(DTYPES, layouts)]
        if method and hasattr(torch.Tensor, name + "_"):
            row["inPlace"] = [changed(call, dtype) for dtype in DTYPES]
        rows.append(json.dumps(row, separators=(",", ":")))
    header = {"made": "python test/ops/golden_table.py", "torch": torch.__version__.split("+")[0]}
    text = json.dumps(header, separators=(",", ":"))[:-1] + ',"rows":[\n' + ",\n".join(rows) + "\n]}\n"
    pathlib.Path(__file__).with_name("golden-table.json").write_text(text)


if __name__ == "__main__":
    main()
