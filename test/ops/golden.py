"""Writes golden.json: random calls of PyTorch with their results and gradients, for golden.test.ts.

Run with a Python that has torch 2.15: python test/ops/golden.py. Seeded: the same file every time.
"""
import json
import math
import pathlib
import random
import re

import torch
import torch.nn.functional as F

SEED, CASES = 20261123, 1500
FLOATS = [torch.float32, torch.float64]
DTYPES = FLOATS + [torch.int64, torch.int32, torch.uint8, torch.bool]

UNARY = (
    "abs neg sign ceil floor round trunc frac exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh "
    "tanh asinh acosh atanh sigmoid erf erfc lgamma isnan isinf isfinite isposinf isneginf logical_not bitwise_not relu deg2rad rad2deg sgn"
).split()
BINARY = (
    "add sub mul div remainder fmod pow maximum minimum fmax fmin hypot copysign logaddexp xlogy eq ne lt le gt ge logical_and logical_or "
    "logical_xor bitwise_and bitwise_or bitwise_xor"
).split()
ACTIVATIONS = "relu silu mish hardswish hardsigmoid leaky_relu elu softplus hardtanh logsigmoid gelu".split()

cases = []


def camel(name):
    head, *rest = [part for part in name.split("_") if part]
    return head + "".join(part.capitalize() for part in rest) + ("_" if name.endswith("_") else "")


def number(value):
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return int(value) if isinstance(value, bool) else value


def encode(value):
    """Tensors as {shape, dtype, data}; NaN and infinities as text."""
    if isinstance(value, torch.Tensor):
        data = [number(v) for v in value.detach().contiguous().flatten().tolist()]
        return {"shape": list(value.shape), "dtype": str(value.dtype).split(".")[1], "data": data}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return number(value) if isinstance(value, float) else value


def shape(most=4, zero=True):
    rank = min(random.choice([0, 1, 1, 2, 2, 2, 3, 3, 4]), most)
    return [0 if zero and random.random() < 0.1 else random.randint(1, 4) for _ in range(rank)]


def stretched(sizes):
    """A shape that broadcasts to `sizes`."""
    tail = sizes[random.randrange(len(sizes) + 1) :] if random.random() < 0.4 else sizes
    return [1 if random.random() < 0.25 else size for size in tail]


def make(sizes, dtype=None, low=-3.0, high=3.0, special=True):
    dtype = dtype or random.choice(FLOATS)
    if dtype == torch.bool:
        return torch.randint(0, 2, sizes).bool()
    if not dtype.is_floating_point:
        return torch.randint(0 if dtype == torch.uint8 else -4, 6, sizes).to(dtype)
    t = (torch.rand(sizes, dtype=torch.float64) * (high - low) + low).to(dtype)
    if special and random.random() < 0.1 and t.numel() > 0:
        t.view(-1)[random.randrange(t.numel())] = random.choice([math.nan, math.inf, -math.inf, 0.0, -0.0])
    return t


def dim_of(sizes):
    rank = max(len(sizes), 1)
    return random.randrange(-rank, rank)


def record(space, name, args, options=None, learn=True):
    """Runs a call (space "method", "torch" or "F") and keeps its result, gradient or refusal."""
    options = options or {}
    given, leaves = [], []
    for arg in args:
        if learn and isinstance(arg, torch.Tensor) and arg.is_floating_point() and random.random() < 0.8:
            arg = arg.clone().requires_grad_()
            leaves.append(arg)
        given.append(arg)
    case = {
        "space": space,
        "name": camel(name),
        "args": [{**encode(a), "learn": 1} if isinstance(a, torch.Tensor) and a.requires_grad else encode(a) for a in given],
        "options": {camel(key): encode(value) for key, value in options.items()},
    }
    try:
        target = {"torch": torch, "F": F}.get(space)
        result = getattr(target, name)(*given, **options) if target else getattr(given[0], name)(*given[1:], **options)
    except Exception as error:  # a refusal is a result, too
        cases.append({**case, "refused": str(error).splitlines()[0][:80]})
        return
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    case["results"] = [encode(r) for r in results]
    case["several"] = isinstance(result, (tuple, list))
    weighted = [(r * weights(r)).sum() for r in results if isinstance(r, torch.Tensor) and r.requires_grad]
    if leaves and weighted:
        grads = torch.autograd.grad(sum(w.double() for w in weighted), leaves, allow_unused=True)
        case["grads"] = [None if g is None else encode(g) for g in grads]
    cases.append(case)


def weights(t):
    return torch.arange(t.numel(), dtype=t.dtype).reshape(t.shape) % 7 * 0.25 + 0.5


def unary():
    record(random.choice(["method", "torch"]), random.choice(UNARY), [make(shape(), random.choice(DTYPES))])


def binary():
    sizes = shape()
    a, b = make(sizes, random.choice(DTYPES)), make(stretched(sizes), random.choice(DTYPES))
    record(random.choice(["method", "torch"]), random.choice(BINARY), [b, a] if random.random() < 0.3 else [a, b])


def binary_scalar():
    record("method", random.choice(BINARY[:-3]), [make(shape(), random.choice(FLOATS + [torch.int64, torch.int32])), random.choice([2, 3, -1, 0.5, -2.5, 1])])


def reduction():
    name = random.choice("sum mean prod amax amin max min argmax argmin var std all any logsumexp norm count_nonzero".split())
    floats = name in ("mean", "var", "std", "logsumexp", "norm")
    sizes, options = shape(), {}
    if name in ("prod", "max", "min", "argmax", "argmin"):
        if random.random() < 0.6:
            options["dim"] = dim_of(sizes)
    elif name == "logsumexp" or random.random() < 0.7:
        options["dim"] = random.choice([dim_of(sizes), [dim_of(sizes)], list(range(len(sizes)))])
    if "dim" in options and name != "count_nonzero" and random.random() < 0.5:
        options["keepdim"] = True
    if name in ("var", "std") and random.random() < 0.4:
        options["correction"] = random.choice([0, 2])
    if name == "norm":
        options["p"] = random.choice([1, 2, 3, math.inf, 0])
    x = make(sizes, random.choice(FLOATS if floats else DTYPES), special=name not in ("var", "std", "norm", "prod"))
    record("method", name, [x], options)


def scan():
    sizes = shape()
    record("method", random.choice(["cumsum", "cumprod"]), [make(sizes, random.choice(DTYPES), special=False), dim_of(sizes)])


def view():
    sizes = shape()
    x, rank = make(sizes, random.choice(DTYPES)), len(sizes)
    order = random.sample(range(rank), rank)
    call = random.choice(
        [
            ("reshape", [x, random.choice([[-1], sizes[::-1]])]),
            ("permute", [x, order]),
            ("transpose", [x, dim_of(sizes), dim_of(sizes)]),
            ("expand", [make([random.choice([1, n]) for n in sizes]), [2] * random.randrange(2) + sizes]),
            ("squeeze", [x] + [dim_of(sizes)] * random.randrange(2)),
            ("unsqueeze", [x, random.randrange(-rank - 1, rank + 1)]),
            ("flatten", [x, dim_of(sizes), dim_of(sizes)]),
            ("select", [x, dim_of(sizes), random.randrange(-3, 3)]),
            ("narrow", [x, dim_of(sizes), random.randrange(2), random.randrange(3)]),
            ("split", [x, random.randint(1, 3), dim_of(sizes)]),
            ("chunk", [x, random.randint(1, 3), dim_of(sizes)]),
            ("unbind", [x, dim_of(sizes)]),
            ("flip", [x, [dim_of(sizes)]]),
            ("diagonal", [x, random.randrange(-2, 3)]),
            ("unfold", [x, dim_of(sizes), random.randint(1, 2), random.randint(1, 2)]),
            ("movedim", [x, dim_of(sizes), dim_of(sizes)]),
            ("tril", [x, random.randrange(-2, 3)]),
            ("triu", [x, random.randrange(-2, 3)]),
            ("repeat", [x, [random.randrange(3) for _ in range(rank + random.randrange(2))]]),
            ("t", [x]),
        ]
    )
    record("method", *call)


def indexing():
    sizes = shape(3, zero=False) or [3]
    x, dim = make(sizes, random.choice(FLOATS + [torch.int64])), dim_of(sizes)
    at = dim % len(sizes)
    index = torch.randint(-0, sizes[at], [random.randint(1, 3) if i == at else max(1, n - 1) for i, n in enumerate(sizes)])
    vector = torch.randint(0, sizes[at], [random.randrange(4)])
    rows = [len(vector) if i == at else n for i, n in enumerate(sizes)]
    call = random.choice(
        [
            ("gather", [x, dim, index]),
            ("scatter", [x, dim, index, 2]),
            ("scatter_add", [x, dim, index, make(list(index.shape), x.dtype)]),
            ("index_select", [x, dim, vector]),
            ("index_add", [x, dim, vector, make(rows, x.dtype)]),
            ("masked_fill", [x, make(stretched(sizes), torch.bool), 1]),
            ("masked_select", [x, make(stretched(sizes), torch.bool)]),
            ("nonzero", [x]),
        ]
    )
    record("method", *call)


def where():
    sizes = shape()
    record("torch", "where", [make(stretched(sizes), torch.bool), make(sizes, random.choice(DTYPES)), make(stretched(sizes), random.choice(DTYPES))])


def product():
    dtype = random.choice(FLOATS + FLOATS + [torch.int64])
    m, k, p, b = (random.choice([0, 1, 2, 3, 5, 8]) for _ in range(4))
    left = random.choice([[k], [m, k], [b, m, k], [1, m, k], [2, b, m, k]])
    right = random.choice([[k], [k, p], [b, k, p], [1, k, p]])
    if random.random() < 0.1:
        left[-1] += 1
    a, c = make(left, dtype, special=False), make(right, dtype, special=False)
    call = random.choice(
        [
            ("method", "matmul", [a, c]),
            ("torch", "matmul", [a, c]),
            ("method", "mm", [make([m, k], dtype, special=False), make([k, p], dtype, special=False)]),
            ("method", "bmm", [make([b, m, k], dtype, special=False), make([b, k, p], dtype, special=False)]),
            ("method", "mv", [make([m, k], dtype, special=False), make([k], dtype, special=False)]),
            ("method", "outer", [make([m], dtype), make([k], dtype)]),
        ]
    )
    record(*call)


def layer():
    dtype = random.choice(FLOATS)
    plain = lambda sizes: make(sizes, dtype, special=False)
    n, c, h, w = random.randint(1, 2), random.choice([2, 4]), random.randint(4, 8), random.randint(4, 8)
    groups, kernel = random.choice([1, 1, 2]), [random.randint(1, 3), random.randint(1, 3)]
    stride, padding = random.choice([1, 2, [1, 2]]), random.choice([0, 1, [1, 0]])
    image = plain([n, c, h, w])
    call = random.choice(
        [
            ("conv2d", [image, plain([4, c // groups, *kernel]), plain([4])], {"stride": stride, "padding": padding, "groups": groups, "dilation": random.choice([1, 2])}),
            ("max_pool2d", [image, random.choice([2, 3, [2, 3]])], {"stride": stride, "padding": random.choice([0, 1]), "ceil_mode": random.random() < 0.3}),
            ("avg_pool2d", [image, random.choice([2, 3, [2, 3]])], {"stride": stride, "padding": random.choice([0, 1]), "count_include_pad": random.random() < 0.5}),
            ("layer_norm", [image, [h, w], plain([h, w]), plain([h, w])], {}),
            ("linear", [plain([n, 3, c]), plain([5, c]), plain([5])], {}),
            ("softmax", [image], {"dim": dim_of([n, c, h, w])}),
            ("log_softmax", [image], {"dim": dim_of([n, c, h, w])}),
            (random.choice(ACTIVATIONS), [plain(shape())], {}),
        ]
    )
    record("F", *call)


def loss():
    dtype, reduction = random.choice(FLOATS), random.choice(["mean", "sum", "none"])
    n, classes, extra = random.randint(1, 4), random.randint(2, 4), random.choice([[], [], [3]])
    target = torch.randint(0, classes, [n, *extra])
    sizes = shape()
    call = random.choice(
        [
            ("cross_entropy", [make([n, classes, *extra], dtype, special=False), target], {"label_smoothing": random.choice([0.0, 0.1])}),
            ("nll_loss", [make([n, classes, *extra], dtype, special=False), target], {"ignore_index": random.choice([-100, 0])}),
            ("mse_loss", [make(sizes, dtype), make(sizes, dtype)], {}),
            ("l1_loss", [make(sizes, dtype), make(sizes, dtype)], {}),
            ("smooth_l1_loss", [make(sizes, dtype, special=False), make(sizes, dtype, special=False)], {}),
            ("binary_cross_entropy_with_logits", [make(sizes, dtype, special=False), make(sizes, dtype, 0, 1, special=False)], {}),
        ]
    )
    name, args, options = call
    record("F", name, args, {**options, "reduction": reduction})


def order():
    sizes = shape(3, zero=False)
    x = torch.randperm(math.prod(sizes)).reshape(sizes).to(random.choice(FLOATS + [torch.int64]))
    options = {"dim": dim_of(sizes)}
    if random.random() < 0.4:
        record("method", "topk", [x, 1], {**options, "largest": random.random() < 0.5})
    else:
        record("method", random.choice(["sort", "argsort"]), [x], {**options, "descending": random.random() < 0.5})


def join():
    sizes = shape(3, zero=False) or [2]
    dim = dim_of(sizes)
    parts = [[random.randrange(4) if i == dim % len(sizes) else n for i, n in enumerate(sizes)] for _ in range(3)]
    record("torch", "cat", [[make(part, random.choice(DTYPES)) for part in parts]], {"dim": dim}, learn=False)


def in_place():
    sizes = shape()
    x = make(sizes, random.choice(DTYPES))
    call = random.choice(
        [(f"{name}_", [x]) for name in ("abs", "neg", "exp", "relu", "sqrt", "sigmoid", "tanh")]
        + [(f"{name}_", [x, random.choice([make(stretched(sizes), random.choice(DTYPES)), 2, 1.5])]) for name in ("add", "sub", "mul", "div")]
        + [("fill_", [x, 2]), ("clamp_", [x, -1, 1])]
    )
    record("method", *call, learn=False)


def edges():
    """Where numbers tie, are NaN, or sit on a bound; alpha, rounding modes, refusals; second names."""
    values = [-1.0, 0.0, 2.0, math.inf, math.nan]
    a, b = (torch.tensor(column) for column in zip(*[(x, y) for x in values for y in values]))
    for name in "maximum minimum fmax fmin nextafter xlogy clamp_min clamp_max clip greater not_equal arctan2 multiply divide subtract isclose".split():
        record("method", name, [a, b])
    low, high = (torch.tensor(column) for column in zip(*[(x, y) for x in values for y in (0.0, 2.0, math.nan)]))
    record("method", "clamp", [torch.tensor(values).repeat_interleave(3), low, high])
    record("method", "clamp", [a, b, 2.0])
    for mode in ("floor", "trunc"):
        record("torch", "div", [make([3, 4]), make([4], low=0.5)], {"rounding_mode": mode})
    whole, flags = torch.tensor([1, 2]), torch.tensor([True, False])
    for x, y in [(whole, whole), (whole, torch.tensor([0.5, 1.5])), (flags, flags), (whole, flags), (whole, 2), (whole, 0.5), (torch.ones(2), 2)]:
        for alpha in (2, 0.5, True):
            record("method", random.choice(["add", "sub"]), [x, y], {"alpha": alpha})
    for x, y in [(whole, whole.int()), (flags, flags), (torch.tensor([250], dtype=torch.uint8), torch.tensor([4], dtype=torch.uint8))]:
        record("torch", "isclose", [x, y], {"atol": 11.0})
    for name in "absolute negative arccos arccosh arcsin arcsinh arctan arctanh signbit square".split():
        record("torch", name, [make([2, 3], random.choice(DTYPES))])
    record("method", "adjoint", [make([2, 3, 1])])
    record("method", "trace", [make([2, 3])])
    record("torch", "moveaxis", [make([2, 3, 1]), 0, -1])
    record("method", "lerp", [make([2]), torch.ones(2), 0.3])
    for p in (0, 1, 2, 5):
        record("torch", "mvlgamma", [make([2, 3], low=0.1, high=9.0), p])
    for sizes in ([3, 2], 7, [], [2, 0], [-1, 2], [2, 2, 2]):
        record("torch", "unravel_index", [torch.tensor([[4], [-1], [11]]), sizes])
    record("torch", "unravel_index", [torch.ones(2), [2, 2]])
    x1, x2 = make([2, 1, 3], special=False, dtype=torch.float64), make([4, 3], special=False, dtype=torch.float64)
    record("F", "cosine_similarity", [x1, x2], {"dim": -1, "eps": 0.5})
    record("F", "pairwise_distance", [x1, x2], {"p": 1.5, "keepdim": True})
    for x, y in [(torch.float32, torch.float64), (torch.float64, torch.float32), (torch.float32, torch.int64), (torch.int64, torch.float32)]:
        logits, targets = make([2, 3], x, special=False), make([2, 3], y, low=0.0, high=1.0, special=False)
        record("F", "binary_cross_entropy_with_logits", [logits, targets])
    for sizes in ([2], [2, 2]):
        for include_self in (True, False):
            flags = torch.ones(sizes, dtype=torch.bool)
            record("method", "index_reduce", [flags, 0, torch.tensor([0, 0]), flags, "amax"], {"include_self": include_self})
    record("method", "lerp", [torch.ones(2), torch.ones(2, dtype=torch.float64), 0.3])


def rarely():
    """Rules of their own: gradients at zeros, bounds and ties, even kernels, sources larger than their index, products that sum nothing, refusals."""
    zeros = torch.tensor([[2.0, 0.0, 3.0, -1.5], [0.0, 0.5, 0.0, 4.0], [1.0, -2.0, 3.0, 0.25]], dtype=torch.float64)
    for name in ("prod", "cumprod"):
        for dim in (0, 1):
            record("method", name, [zeros, dim])
    record("method", "prod", [zeros])
    record("method", "prod", [zeros[0]])
    low, high = torch.tensor([-1.0, 0.5, 0.0, 5.0], dtype=torch.float64), torch.tensor([0.5, 0.5, 2.0, 1.0], dtype=torch.float64)
    record("torch", "clamp", [zeros, low, high])
    image, wide = make([2, 4, 5, 6], torch.float64, special=False), make([4, 5, 6], torch.float64, special=False)
    for kernel in ((2, 3), (3, 2), (4, 4)):
        record("F", "conv2d", [image, make([2, 4, *kernel], torch.float64, special=False)], {"padding": "same", "dilation": (1, 2)})
    record("F", "conv2d", [wide, make([3, 4, 2, 2], torch.float64, special=False), make([3], torch.float64, special=False)], {"padding": "valid", "stride": 2})
    for other, options in [
        (make([2, 3, 2, 2], torch.float64), {}), (make([2, 4, 2], torch.float64), {}), (make([2, 2, 2, 2], torch.float64), {"groups": 3}),
        (make([2, 4, 2, 2], torch.float64), {"padding": "same", "stride": 2}), (make([2, 4, 7, 2], torch.float64), {}),
    ]:
        record("F", "conv2d", [image, other], options)
    rows = make([3, 4], torch.float64, special=False)
    for counts in (torch.tensor([2, 0, 3]), torch.tensor([1]), torch.tensor([1, -1, 2]), torch.tensor([1, 2]), torch.tensor([1.0, 2.0, 1.0]), torch.ones(3, 1).long()):
        record("method", "repeat_interleave", [rows, counts, 0])
    record("method", "repeat_interleave", [rows, torch.tensor([2, 0, 3]), 0], {"output_size": 5})
    record("torch", "repeat_interleave", [torch.tensor([2, 0, 3])])
    index = torch.tensor([[0, 2], [1, 0]])
    record("method", "scatter", [rows, 0, index, make([3, 3], torch.float64)], learn=False)
    record("method", "scatter_add", [rows, 1, index, make([2, 4], torch.float64)], learn=False)
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for whole in (True, False):
            record("method", "scatter_reduce", [rows, 0, index, make([2, 2], torch.float64, special=False), reduce], {"include_self": whole})
    places = torch.tensor([2, 0, 2])
    for reduce in ("prod", "mean", "amax", "amin"):
        for dtype in (torch.float64, torch.int32, torch.uint8):
            record("method", "index_reduce", [make([3, 4], dtype, special=False), 0, places, make([3, 4], dtype, special=False), reduce], {"include_self": False})
    record("method", "index_reduce", [rows, 0, places, make([2, 4], torch.float64), "prod"])
    record("method", "index_reduce", [rows, 0, places, make([3, 4], torch.float32), "prod"])
    for equation, shapes in [("i,j->ij", [[3], [4]]), ("bi,bj->bij", [[2, 3], [2, 4]]), ("ij,kl->il", [[2, 3], [4, 2]]), ("...i,...i->...", [[2, 3], [2, 3]]), ("i,j", [[2], [3]])]:
        record("torch", "einsum", [equation, *[make(sizes, torch.float64, special=False) for sizes in shapes]])
    record("torch", "einsum", ["i,j->ij", torch.tensor([1, 2]), make([2], torch.float32)])
    for p in (0.0, 1.0, 2.0, 3.0, math.inf):
        record("torch", "cdist", [rows, make([2, 4], torch.float64, special=False)], {"p": p})
    for whole in (torch.tensor([1, 3, 1]), torch.tensor([-1, 2]), torch.tensor([[1]]), torch.tensor([1.0]), torch.tensor([], dtype=torch.int64)):
        record("torch", "bincount", [whole], {"minlength": 3})
    record("torch", "bincount", [torch.tensor([1, 3, 1]), torch.tensor([0.5, 1.0, 2.0])], learn=False)
    record("torch", "bincount", [torch.tensor([1, 3, 1]), torch.tensor([0.5])], learn=False)
    for matrix in (torch.zeros(3, 3), torch.zeros(5, 2), torch.zeros(2, 2, 2), torch.zeros(2, 3, 2), torch.zeros(3)):
        record("method", "fill_diagonal_", [matrix, 4], {"wrap": True}, learn=False)
    record("method", "fill_diagonal_", [torch.zeros(7, 2), 4], learn=False)
    for weights in ({"fweights": torch.tensor([1, 2, 1, 3])}, {"aweights": torch.tensor([0.5, 1.0, 2.0, 0.0])}, {"fweights": torch.tensor([1, -2, 1, 3])},
                    {"aweights": torch.tensor([1, 2, 1, 3])}, {"fweights": torch.tensor([1, 2])}, {"correction": 0}):
        record("torch", "cov", [rows], weights)
    record("torch", "broadcast_shapes", [[2, 1], [3]], learn=False)


def dtype_rules():
    """What torch says of every dtype and every pair: limits, promotion, safe casts."""
    names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
    of = lambda name: getattr(torch, name)
    # The half complex types are not here: complex64 stands for them.
    word = lambda dtype: re.sub("^b?complex32$", "complex64", str(dtype).split(".")[1])
    floats, integers = [n for n in names if of(n).is_floating_point], [n for n in names if "int" in n]
    finfo = {n: {k: getattr(torch.finfo(of(n)), k) for k in ("bits", "eps", "max", "min", "tiny", "resolution", "dtype")} for n in [*floats, "complex64", "complex128"]}
    iinfo = {n: {"bits": torch.iinfo(of(n)).bits, "max": str(torch.iinfo(of(n)).max), "min": str(torch.iinfo(of(n)).min)} for n in integers}
    pairs = [{"a": a, "b": b, "promoted": word(torch.promote_types(of(a), of(b))), "cast": torch.can_cast(of(a), of(b)),
              "weak": word(torch.result_type(torch.ones(2, dtype=of(a)), torch.tensor(1, dtype=of(b))))} for a in names for b in names]
    return {"finfo": finfo, "iinfo": iinfo, "pairs": pairs}


def printed():
    """A tensor and how torch prints it: fixed, scientific, integers, NaN, summaries."""
    sizes = random.choice([shape(3), shape(3), [1200], [50, 30]])
    t = make(sizes, random.choice(DTYPES))
    if t.is_floating_point():
        t = t * 10 ** random.choice([-6, -2, 0, 0, 2, 5, 9])
        t = random.choice([t, t, t.round(), (t * 32).round() / 32])
    return {**encode(t), "text": str(t)}


def main():
    random.seed(SEED)
    torch.manual_seed(SEED)
    families = [unary, binary, binary, binary_scalar, reduction, reduction, scan, view, view, indexing, where, product, product, layer, layer, loss, order, join, in_place]
    while len(cases) < CASES:
        random.choice(families)()
    path = pathlib.Path(__file__).with_name("golden.json")
    header = {"made": "python test/ops/golden.py", "torch": torch.__version__.split("+")[0], "seed": SEED}
    prints = [printed() for _ in range(60)]
    edges()
    rarely()
    rows = lambda items: "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"
    path.write_text(json.dumps(header)[:-1] + ',"cases":' + rows(cases) + ',"prints":' + rows(prints) + ',"dtypes":' + json.dumps(dtype_rules(), separators=(",", ":")) + "}\n")


main()
