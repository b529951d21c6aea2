"""Writes golden.json: files of numpy and safetensors, and what they hold.

Run: python test/serialization/golden.py, with numpy, torch, safetensors and ml_dtypes.
"""
import base64, io, json, os, tempfile
import ml_dtypes, numpy as np, safetensors, safetensors.torch, torch

values = {
    "bool": [[True, False], [False, True]], "uint8": [[0, 255], [1, 2]], "int8": [[-128, 127], [0, 1]],
    "int16": [[-32768, 32767], [258, 1]], "int32": [[-2**31, 2**31 - 1], [66051, 1]], "int64": [[-2**40, 2**40], [1, 0]],
    "float16": [[0.5, -1.25], [65504, 3]], "float32": [[0.5, -1.25], [1e30, 3]], "float64": [[0.1, -1.25], [1e300, 3]],
    "complex64": [[1 + 2j, -0.5j], [0, 3]], "complex128": [[1 + 2j, -0.1j], [0, 3]],
}
plain = lambda a: [[{"re": float(x.real), "im": float(x.imag)} if isinstance(x, complex) else x for x in row] for row in a.tolist()]
cases = []


def case(name, data, expected, suffix):
    cases.append({"name": name, "suffix": suffix, "file": base64.b64encode(data).decode(), "expected": expected})


def entry(array, dtype=None, values=None):
    return {"dtype": dtype or str(array.dtype), "shape": list(array.shape), "values": values if values is not None else plain(array)}


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


arrays = {name: np.array(rows, dtype=name) for name, rows in values.items()}
for name, array in arrays.items():
    case(f"npy {name}", npy(array), entry(array), "npy")
    if array.itemsize > 1:
        case(f"npy big-endian {name}", npy(array.astype(array.dtype.newbyteorder(">"))), entry(array), "npy")
fortran = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
case("npy in Fortran's order", npy(fortran), entry(fortran), "npy")
case("npy in Fortran's order, big-endian", npy(fortran.astype(">f4")), entry(fortran), "npy")
case("npy version 2", npy(arrays["int32"], (2, 0)), entry(arrays["int32"]), "npy")
case("npy version 3", npy(arrays["int32"], (3, 0)), entry(arrays["int32"]), "npy")
case("npy 0-d", npy(np.array(2.5)), {"dtype": "float64", "shape": [], "values": 2.5}, "npy")
case("npy empty", npy(np.zeros((0, 3), np.int8)), {"dtype": "int8", "shape": [0, 3], "values": []}, "npy")
case("npy uint16", npy(np.array([[1, 65535]], np.uint16)), {"dtype": "int32", "shape": [1, 2], "values": [[1, 65535]]}, "npy")
case("npy uint32", npy(np.array([[1, 2**32 - 1]], ">u4")), {"dtype": "int64", "shape": [1, 2], "values": [[1, 2**32 - 1]]}, "npy")
refused = np.array([[1, 2]], dtype=ml_dtypes.bfloat16)
case("npy bfloat16", npy(refused), None, "npy")
case("npy text", npy(np.array(["ab"])), None, "npy")
case("npy objects", npy(np.array([None])), None, "npy")
case("npy records", npy(np.zeros(2, [("a", "<f4"), ("b", "<i4")])), None, "npy")
case("npy uint64", npy(np.zeros(2, np.uint64)), None, "npy")
case("npy long double", npy(np.zeros(2, np.longdouble)), None, "npy")

for kind, write in (("stored", np.savez), ("deflated", np.savez_compressed)):
    out = io.BytesIO()
    chosen = {key: arrays[key] for key in ("float32", "int64", "bool", "complex128")}
    write(out, **chosen)
    case(f"npz {kind}", out.getvalue(), {key: entry(array) for key, array in chosen.items()}, "npz")
out = io.BytesIO()
np.savez(out)
case("npz without arrays", out.getvalue(), {}, "npz")

tensors = {name: torch.tensor(rows, dtype=getattr(torch, name)) for name, rows in values.items() if name != "complex128"}
tensors["bfloat16"] = torch.tensor([[0.5, -1.25], [1e30, 3]], dtype=torch.bfloat16)
state = {name: {"dtype": name, "shape": list(t.shape), "values": plain(t)} for name, t in tensors.items()}
case("safetensors", safetensors.torch.save(tensors, {"by": "golden.py"}), state, "safetensors")
wide = {"a": torch.tensor([[1, 65535]], dtype=torch.uint16), "b": torch.tensor([[7, 2**32 - 1]], dtype=torch.uint32)}
case("safetensors unsigned", safetensors.torch.save(wide), {
    "a": {"dtype": "int32", "shape": [1, 2], "values": [[1, 65535]]},
    "b": {"dtype": "int64", "shape": [1, 2], "values": [[7, 2**32 - 1]]},
}, "safetensors")

shared = torch.arange(6, dtype=torch.float32).reshape(2, 3)
checkpoint = {"model": {"weight": shared, "row": shared[1], "columns": shared.t()}, "epoch": 70000, "scale": -3, "best": 0.25, "done": [True, None, False], "sizes": (1, (2, 3), "text" * 70)}
held = {"dtype": "float32", "shape": [2, 3], "values": [[0, 1, 2], [3, 4, 5]]}
for protocol in (2, 3, 4, 5):
    out = io.BytesIO()
    torch.save(checkpoint, out, pickle_protocol=protocol)
    case(f"checkpoint of pickle protocol {protocol}", out.getvalue(), {
        **{key: value for key, value in checkpoint.items() if key != "model"},
        "model": {"weight": held, "row": {"dtype": "float32", "shape": [3], "values": [3, 4, 5]}, "columns": {"dtype": "float32", "shape": [3, 2], "values": [[0, 3], [1, 4], [2, 5]]}},
    }, "pt")

conjugated = torch.tensor([1 + 2j, 3 - 0.5j]).conj()
out = io.BytesIO()
torch.save({"conjugated": conjugated, "negated": torch.tensor([1 + 2j, 3 - 0.5j]).conj().imag}, out)
case("checkpoint of conjugates, which torch stores unapplied", out.getvalue(), {
    "conjugated": {"dtype": "complex64", "shape": [2], "values": [{"re": 1, "im": -2}, {"re": 3, "im": 0.5}]},
    "negated": {"dtype": "float32", "shape": [2], "values": [-2, 0.5]},
}, "pt")

versions = {m.__name__: m.__version__ for m in (np, torch, safetensors)}
with open(os.path.join(os.path.dirname(__file__), "golden.json"), "w") as out:
    out.write(json.dumps({"versions": versions, "cases": cases}, separators=(",", ":")).replace('},{"name"', '},\n{"name"') + "\n")
