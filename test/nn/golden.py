"""Writes golden.json: layers of PyTorch with their weights, results and gradients, steps of optimizers and schedules, for golden.test.ts and optim.test.ts.

Run with a Python that has torch 2.15: python test/nn/golden.py. Seeded: the same file every time.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

SEED = 20261123
cases = []


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def encode(value):
    if not isinstance(value, torch.Tensor):
        return value
    data = [int(v) if value.dtype == torch.bool else round(v, 7) for v in value.detach().flatten().double().tolist()]
    data = [str(v) if v in (float("inf"), float("-inf")) else v for v in data]
    return {"shape": list(value.shape), "dtype": str(value.dtype).split(".")[1], "data": data}


def rows(values):
    return ",\n".join(json.dumps(value, separators=(",", ":")) for value in values)


def weights(t):
    return torch.arange(t.numel(), dtype=t.dtype).reshape(t.shape) % 7 * 0.25 + 0.5


def randn(*shape):
    return (torch.randn(*shape) * 64).round() / 64  # few digits


def flat(value):
    return [t for each in value for t in flat(each)] if isinstance(value, tuple) else [value]


def record(make, args, options, inputs, call=None, train=False, learned=None):
    """A layer `make(*args, **options)`, or the function of that name when args is None, on inputs, the first `learned` (default: all) with
    gradients; `call` has keyword arguments."""
    call = call or {}
    module = None
    if args is not None:
        module = getattr(nn, make)(*args, **options) if make != "TransformerEncoder" else nn.TransformerEncoder(nn.TransformerEncoderLayer(*args[0], **options), args[1])
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(randn(*p.shape) / 4)
            for b in module.buffers():
                if b.is_floating_point():
                    b.copy_((torch.rand(b.shape) * 64).round() / 64 + 0.5)
        module.train(train)
    state = {k: encode(v) for k, v in module.state_dict().items()} if module else None
    given, leaves = [], {}
    for t in inputs:
        if id(t) not in leaves:
            leaves[id(t)] = t.clone().requires_grad_(t.is_floating_point() and (learned is None or len(leaves) < learned))
        given.append(leaves[id(t)])
    if make.startswith("LSTM") and len(given) > 1:
        given[1:] = [tuple(given[1:])]
    result = (module or getattr(F, make))(*given, **call)
    results = [t for t in flat(result) if t is not None]
    parameters = list(module.parameters()) if module else []
    differentiable = [t for t in leaves.values() if t.requires_grad]
    grads = torch.autograd.grad(sum((t * weights(t)).sum() for t in results), differentiable + parameters)
    buffers = {k: encode(v) for k, v in module.named_buffers()} if module else {}
    order = list(leaves)
    cases.append({
        "make": make if module else camel(make),
        "args": None if args is None else [encode(a) for a in args],
        "options": {camel(k): encode(v) for k, v in options.items()},
        "train": train,
        "repr": repr(module) if module else None,
        "state": state,
        "tensors": [encode(t) for t in leaves.values()],
        "learned": len(differentiable),
        "inputs": [order.index(id(t)) for t in inputs],
        "call": {camel(k): encode(v) for k, v in call.items()},
        "results": [encode(t) for t in results],
        "grads": [encode(g) for g in grads],
        "buffers": buffers,
    })


def attention():
    q, k, v = randn(2, 3, 5, 4), randn(2, 3, 6, 4), randn(2, 3, 6, 2)
    blind = torch.rand(2, 1, 5, 6) > 0.4
    blind[1, 0, 2] = False
    name = "scaled_dot_product_attention"
    record(name, None, {}, [q, k, v])
    record(name, None, {}, [q, k, v], {"is_causal": True, "scale": 0.3})
    record(name, None, {}, [q, k, v], {"attn_mask": blind})
    record(name, None, {}, [q, k, v], {"attn_mask": randn(5, 6)})
    record(name, None, {}, [randn(1, 4, 3, 4), randn(1, 2, 70, 4), randn(1, 2, 70, 4)], {"enable_gqa": True})
    record(name, None, {}, [randn(140, 3), randn(130, 3), randn(130, 2)], {"is_causal": True})


def layers():
    x, y, z = randn(3, 2, 8), randn(4, 2, 6), randn(4, 2, 5)
    padding = torch.tensor([[False, False, True], [False, False, False]])
    causal = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
    record("MultiheadAttention", [8, 2], {}, [x, x, x])
    record("MultiheadAttention", [8, 2], {}, [x, x, x], {"need_weights": False, "attn_mask": causal, "is_causal": True})
    record("MultiheadAttention", [8, 4], {"kdim": 6, "vdim": 5, "bias": False}, [x, y, z], {"average_attn_weights": False})
    record("MultiheadAttention", [8, 2], {"batch_first": True}, [x, x, x], {"attn_mask": randn(6, 2, 2)})
    record("MultiheadAttention", [8, 2], {"add_bias_kv": True, "add_zero_attn": True}, [x, x, x], {"key_padding_mask": padding})
    record("MultiheadAttention", [8, 2], {}, [x, randn(4, 2, 8).clone(), y.new_ones(4, 2, 8)], {"need_weights": False})
    record("MultiheadAttention", [8, 2], {}, [x[:, 0].clone(), x[:, 1].clone(), x[:, 1].clone()], {})
    for train in [False, True]:
        record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0}, [x], {}, train)
        record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0, "norm_first": True, "activation": "gelu", "batch_first": True}, [x], {}, train)
    record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0}, [x], {"src_key_padding_mask": padding, "src_mask": causal}, True)
    record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0, "bias": False, "layer_norm_eps": 0.01}, [x], {}, True)
    record("TransformerEncoder", [[8, 2, 6], 2], {"dropout": 0}, [x], {"mask": causal, "is_causal": True}, True)


def more_layers():
    image, sequence = randn(2, 4, 5, 6), randn(2, 4, 9)
    for options in [{}, {"padding": 1, "stride": 2}, {"padding": "same", "dilation": 2, "groups": 2, "bias": False}, {"padding": "same"}]:
        record("Conv1d", [4, 6, 3], options, [sequence])
    record("Conv1d", [4, 6, 4], {"padding": "same"}, [sequence[0].clone()])
    for options in [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2, "groups": 2, "bias": False},
                    {"stride": (2, 1), "padding": (0, 1), "output_padding": (1, 2), "dilation": (1, 3)}]:
        record("ConvTranspose2d", [4, 6, 3], options, [image])
    record("ConvTranspose2d", [4, 2, (2, 3)], {}, [image[0].clone()])
    for size in [1, 2, (5, 2), (3, 4), (None, 3), 7]:
        record("AdaptiveAvgPool2d", [size], {}, [image])
    for options in [{}, {"eps": 0.01, "affine": False}, {"bias": False}]:
        record("GroupNorm", [2, 4], options, [image])
    record("GroupNorm", [4, 4], {}, [randn(3, 4)])
    record("RMSNorm", [6], {}, [image])
    record("RMSNorm", [[5, 6]], {"eps": 0.25}, [image])
    record("RMSNorm", [6], {"elementwise_affine": False}, [image])


def recurrent():
    x, h, c = randn(4, 2, 3), randn(1, 2, 5), randn(1, 2, 5)
    for name, states in [["RNN", [h]], ["GRU", [h]], ["LSTM", [h, c]]]:
        record(name, [3, 5], {}, [x])
        record(name, [3, 5], {}, [x, *states])
        record(name, [3, 5], {"num_layers": 2, "bidirectional": True, "batch_first": True}, [x], {}, True)
        record(name, [3, 5], {"num_layers": 2, "bias": False, "dropout": 0.5}, [x])
        record(name, [3, 5], {"bidirectional": True}, [x[:, 0].clone(), *(t.repeat(2, 1, 1)[:, 0].clone() for t in states)])
        record(name + "Cell", [3, 5], {}, [x[0].clone()])
        record(name + "Cell", [3, 5], {"bias": False}, [x[0].clone(), *(t[0].clone() for t in states)])
        record(name + "Cell", [3, 5], {}, [x[0, 0].clone()])
    record("RNN", [3, 5], {"nonlinearity": "relu", "num_layers": 3}, [x])
    record("RNNCell", [3, 5], {"nonlinearity": "relu"}, [x[0].clone()])


def activations():
    x, image = randn(3, 4) * 2, randn(2, 4, 3, 3)
    for name, *options in [
        ["Identity"], ["ReLU"], ["LeakyReLU", {}, {"negative_slope": 0.2}], ["GELU", {}, {"approximate": "tanh"}], ["ELU", {}, {"alpha": 0.5}],
        ["Softplus", {}, {"beta": 0.25, "threshold": 0.375}], ["Hardtanh", {}, {"min_val": -0.25, "max_val": 1.5}], ["ReLU6"],
        ["PReLU", {}, {"num_parameters": 4}], ["CELU", {}, {"alpha": 0.25}], ["SELU"], ["GLU", {}, {"dim": 1}], ["Softsign"], ["Tanhshrink"],
        ["Hardshrink", {}, {"lambd": 0.75}], ["Softshrink", {}, {"lambd": 0.25}], ["Threshold", {"threshold": 0.5, "value": -0.5}],
        ["RReLU", {}, {"lower": 0.25, "upper": 0.75}], ["Softmax", {"dim": 1}], ["Softmin", {"dim": 0}], ["LogSoftmax", {"dim": 1}],
        ["Sigmoid"], ["LogSigmoid"], ["Tanh"], ["SiLU"], ["Mish"], ["Hardswish"], ["Hardsigmoid"],
    ]:
        for given in options or [{}]:
            record(name, [], given, [x])
    record("Softmax2d", [], {}, [image])


def modules():
    x, image = randn(3, 4), randn(2, 4, 5, 6)
    record("Linear", [4, 3], {}, [x])
    record("Linear", [4, 3], {"bias": False}, [randn(2, 3, 4)])
    record("Conv2d", [4, 6, 3], {"padding": 1, "stride": (2, 1)}, [image])
    record("Conv2d", [4, 6, (2, 3)], {"padding": "same", "dilation": (1, 2), "groups": 2, "bias": False}, [image])
    for train in [False, True]:
        for options in [{}, {"momentum": None}, {"bias": False, "eps": 0.01}, {"affine": False}, {"track_running_stats": False}]:
            record("BatchNorm1d", [4], options, [x], {}, train)
        record("BatchNorm2d", [4], {"momentum": 0.25}, [image], {}, train)
    record("BatchNorm1d", [4], {}, [image[:, :, 0].clone()], {}, True)
    for options in [{}, {"bias": False}, {"elementwise_affine": False, "eps": 0.01}]:
        record("LayerNorm", [(5, 6)], options, [image])
    record("Embedding", [6, 3], {"padding_idx": -2}, [torch.tensor([[1, 4, 1], [0, 5, 4]])])
    for name, options in [("MaxPool2d", {"padding": 1, "dilation": (1, 2)}), ("AvgPool2d", {"padding": 1, "count_include_pad": False})]:
        for kernel in [2, (2, 3)]:
            record(name, [kernel], {}, [image])
            record(name, [kernel], {"stride": 2, "ceil_mode": True, **options}, [image])
    record("Flatten", [], {}, [image])
    record("Flatten", [2], {"end_dim": 3}, [image])
    record("Unflatten", [1, (2, 2)], {}, [image])
    for dims in [1, 2, 3]:
        volume = randn(2, *[3, 4, 3][:dims + 1])
        for kind in ["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]:
            record(f"{kind}{dims}d", [1], {}, [volume])
            record(f"{kind}{dims}d", [(1, 2, 0, 1, 1, 0)[:2 * dims]], {}, [volume])
        record(f"ConstantPad{dims}d", [1], {"value": 2.5}, [volume])


def losses():
    x, y, p = randn(4, 3), randn(4, 3), torch.rand(4, 3).mul(60).round().add(2).div(64)
    classes, weight = torch.tensor([0, 2, -100, 1]), torch.tensor([0.5, 1.0, 2.0])
    for reduction in ["mean", "sum", "none"]:
        given = {"reduction": reduction}
        record("CrossEntropyLoss", [], given, [x, classes])
        record("CrossEntropyLoss", [weight], {"ignore_index": 1, "label_smoothing": 0.25, **given}, [x, classes.abs() % 3])
        record("NLLLoss", [], {"weight": weight, **given}, [x, classes])
        record("BCELoss", [], given, [p, p.flip(0)], learned=1)
        record("BCEWithLogitsLoss", [], {"pos_weight": weight, **given}, [x, p])
        record("MSELoss", [], given, [x, y])
        record("L1Loss", [], given, [x, y])
        record("SmoothL1Loss", [], {"beta": 0.5, **given}, [x, y])
        record("HuberLoss", [], {"delta": 0.75, **given}, [x, y])
    for reduction in ["mean", "sum", "none", "batchmean"]:
        record("KLDivLoss", [], {"reduction": reduction}, [x, p], learned=1)
        record("KLDivLoss", [], {"reduction": reduction, "log_target": True}, [x, y])


def optimizers():
    """Three float64 parameters, the last in a group of its own and without a gradient at the first step: values and state after five steps."""
    recorded = []
    for name, options in [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
        ("SGD", {"lr": 0.1, "momentum": 0.5, "dampening": 0.25, "maximize": True}),
        ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
        *[(name, {"lr": 0.1, **options}) for name in ["Adam", "AdamW"] for options in [
            {}, {"betas": (0.5, 0.75), "eps": 0.01, "weight_decay": 0.125}, {"amsgrad": True, "betas": (0.9, 0.5)}, {"maximize": True}]],
        *[("RMSprop", {"lr": 0.1, **options}) for options in [
            {}, {"alpha": 0.5, "momentum": 0.9, "weight_decay": 0.125}, {"centered": True, "eps": 0.01, "maximize": True}]],
        *[("Adagrad", {"lr": 0.1, **options}) for options in [{}, {"lr_decay": 0.25, "weight_decay": 0.125, "initial_accumulator_value": 0.5}]],
    ]:
        params = [torch.arange(1, n + 1, dtype=torch.float64).div(4).requires_grad_() for n in [2, 3, 4]]
        optimizer = getattr(torch.optim, name)([{"params": params[:2]}, {"params": params[2:], "lr": 0.2}], **options)
        for step in range(5):
            optimizer.zero_grad()
            loss = sum((p * (i + 1)).sin().sum() for i, p in enumerate(params) if i < 2 or step > 0)
            loss.backward()
            optimizer.step()
        recorded.append({
            "name": name,
            "options": {camel(k): v for k, v in options.items()},
            "values": [p.tolist() for p in params],
            "state": [{k: v.tolist() for k, v in optimizer.state[p].items() if v is not None} for p in params],
        })
    return recorded


def schedules():
    """Rates of two groups over twelve epochs, the initial ones first."""
    recorded = []
    for name, options in [
        ("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
        ("ExponentialLR", {"gamma": 0.75}),
        ("CosineAnnealingLR", {"T_max": 4}), ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.125}),
        ("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
        ("LinearLR", {}), ("LinearLR", {"start_factor": 0.5, "end_factor": 0.25, "total_iters": 4}),
        ("ConstantLR", {}), ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
        ("PolynomialLR", {}), ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ]:
        params = [torch.zeros(1, requires_grad=True) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.5}], lr=1.0)
        schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        rates = [schedule.get_last_lr()]
        for _ in range(12):
            optimizer.step()
            schedule.step()
            rates.append(schedule.get_last_lr())
        recorded.append({"name": name, "options": {"TMax" if k == "T_max" else camel(k): v for k, v in options.items() if k != "lr_lambda"}, "rates": rates})
    return recorded


torch.manual_seed(SEED)
attention()
layers()
activations()
modules()
losses()
recurrent()
more_layers()
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(f'{{"made": "python test/nn/golden.py", "torch": "{torch.__version__.split("+")[0]}", "seed": {SEED},"cases":[\n{rows(cases)}\n],"optimizers":[\n{rows(optimizers())}\n],"schedules":[\n{rows(schedules())}\n]}}\n')
