"""Times of PyTorch on cuda:0 for the cases of times.ts, line by line; prints one line of JSON."""
import json
import sys

import torch
import torch.nn.functional as F

full = sys.argv[1] == "full"
device = "cuda"
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False


def rand(*shape):
    return torch.rand(shape, device=device)


def add():
    a, b = rand(2**28 if full else 64), rand(2**28 if full else 64)
    return lambda: a + b


def gelu():
    n = 8192 if full else 8
    x, w, b = (t.to(torch.bfloat16) for t in (rand(n, n), rand(n), rand(n)))
    return lambda: F.gelu(x * w + b)


def total():
    x = rand(2**28 if full else 64)
    return lambda: x.sum()


def rows():
    return rand(*([16384, 4096] if full else [8, 4]))


def row_sums():
    x = rows()
    return lambda: x.sum(1)


def softmax():
    x = rows()
    return lambda: x.softmax(1)


def layer_norm():
    x = rows()
    w, b = rand(x.shape[1]), rand(x.shape[1])
    return lambda: F.layer_norm(x, x.shape[1:], w, b)


def gather():
    n = 65536 if full else 8
    x, index = rand(n, 256), torch.randint(0, n, (n,), device=device)
    return lambda: x.index_select(0, index)


def scatter():
    n = 65536 if full else 8
    x, index, y = rand(n, 256), torch.randint(0, n, (n,), device=device), rand(n, 256)
    return lambda: x.index_add(0, index, y)


def cumsum():
    x = rand(*([4096, 16384] if full else [8, 4]))
    return lambda: x.cumsum(1)


def matmul(n, dtype):
    a, b = rand(n, n).to(dtype), rand(n, n).to(dtype)
    return lambda: a @ b


def conv():
    x, w = (rand(64, 64, 56, 56), rand(64, 64, 3, 3)) if full else (rand(2, 4, 6, 6), rand(4, 4, 3, 3))
    return lambda: F.conv2d(x, w, padding=1)


def attention():
    q, k, v = (rand(*([4, 16, 2048, 64] if full else [1, 2, 8, 4])) for _ in range(3))
    return lambda: F.scaled_dot_product_attention(q, k, v)


def adam():
    p = rand(10**8 if full else 64).requires_grad_()
    p.grad = p.detach().clone()
    optimizer = torch.optim.Adam([p], lr=1e-3, fused=True)
    return optimizer.step


def mlp():
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = rand(64, 784), torch.randint(0, 10, (64,), device=device)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


cases = {
    "add f32 2^28": add,
    "gelu(x w + b) bf16 8192x8192": gelu,
    "sum f32 2^28": total,
    "row sums f32 16384x4096": row_sums,
    "softmax f32 16384x4096": softmax,
    "layer norm f32 16384x4096": layer_norm,
    "gather rows f32 65536 of 65536x256": gather,
    "scatter-add rows f32 65536 to 65536x256": scatter,
    "cumsum f32 4096x16384": cumsum,
    "matmul f32 4096^3": lambda: matmul(4096 if full else 8, torch.float32),
    "matmul bf16 8192^3": lambda: matmul(8192 if full else 8, torch.bfloat16),
    "conv f32 64x64x56x56, 64 of 3x3": conv,
    "attention f32 4x16x2048x64": attention,
    "Adam step f32, 10^8 parameters": adam,
    "MLP step 64x784, 128, 10": mlp,
}


def time(body, rounds, calls):
    body()
    torch.cuda.synchronize()
    least = float("inf")
    for _ in range(rounds):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(calls):
            body()
        end.record()
        torch.cuda.synchronize()
        least = min(least, start.elapsed_time(end) / calls)
    return least


result = {}
for name, make in cases.items():
    try:
        result[name] = time(make(), 3 if full else 1, 10 if full else 1)
    except torch.OutOfMemoryError:
        pass
    torch.cuda.empty_cache()
print(json.dumps({"version": torch.__version__, "times": result}))
