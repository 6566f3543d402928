"""PyTorch's side of the benchmark: JSON lines on stdin and stdout; see serve.ts for the protocol.

Started by torch.ts. Each workload has a twin in torch_twins.py or torch_gan.py, written as a good PyTorch user would: eager,
gradients only where they are needed, and the memory format (default or channels-last) that is faster on this machine.
"""

import json
import statistics
import sys
import time

import torch

from torch_gan import GAN_TWINS
from torch_twins import TWINS

ALL_TWINS = {**TWINS, **GAN_TWINS}
FORMATS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


def read_arrays(path):
    """A dictionary of tensors from the form of exchange.ts: a line of JSON, then float32 values."""
    with open(path, "rb") as file:
        entries = json.loads(file.readline())
        blob = bytearray(file.read())
    values = torch.frombuffer(blob, dtype=torch.float32) if blob else torch.empty(0)
    result = {}
    for name, entry in entries.items():
        size = 1
        for axis in entry["shape"]:
            size *= axis
        result[name] = values[entry["at"] : entry["at"] + size].reshape(entry["shape"]).clone()
    return result


def write_arrays(path, arrays):
    """The inverse of read_arrays."""
    entries, parts, at = {}, [], 0
    for name, tensor in arrays.items():
        values = torch.as_tensor(tensor).detach().to(torch.float32).contiguous()
        entries[name] = {"shape": list(values.shape), "at": at}
        parts.append(values.numpy().tobytes())
        at += values.numel()
    with open(path, "wb") as file:
        file.write(json.dumps(entries).encode() + b"\n" + b"".join(parts))


def milliseconds(step):
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1e3


def peak_bytes():
    """Peak resident memory. /proc knows this program alone; ru_maxrss may include who started it."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return usage if sys.platform == "darwin" else usage * 1024


class Peer:
    """Holds one workload at a time."""

    def __init__(self, threads):
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        self.twin = None

    def prepare(self, workload, settings, file, tune=True, format=None):
        self.twin = None
        make = ALL_TWINS.get(workload)
        if make is None:
            return {"unsupported": "not written"}
        arrays = read_arrays(file)
        if not tune:
            self.twin = make(arrays, settings, FORMATS[format or "contiguous"])
            return {"format": format}
        found = {}
        for name, memory_format in FORMATS.items():
            twin = make({key: value.clone() for key, value in arrays.items()}, settings, memory_format)
            milliseconds(twin.step)
            times = [milliseconds(twin.step)]
            while len(times) < 9 and sum(times) < 1000:
                times.append(milliseconds(twin.step))
            found[name] = (statistics.median(times), twin)
            if not twin.images:
                break
        best = min(found, key=lambda name: found[name][0])
        self.twin = found[best][1]
        return {"format": best, "estimate": found[best][0]}

    def run(self, steps, warm):
        for _ in range(warm):
            self.twin.step()
        return {"times": [milliseconds(self.twin.step) for _ in range(steps)]}

    def check(self, draws, out):
        write_arrays(out, self.twin.check(list(read_arrays(draws).values())))
        return {}

    def memory(self):
        return {"peak": peak_bytes()}


def main():
    peer = Peer(int(sys.argv[1]))
    print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("cmd")
        try:
            reply = getattr(peer, command)(**request)
        except Exception as error:  # one workload that fails must not take the others with it
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


main()
