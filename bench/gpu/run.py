#!/usr/bin/env python3
"""Runs the packed folder on a machine with an NVIDIA driver and a Python torch, and writes results.json and results.md beside each other.

Steps: which symbols this torch lacks, doctor, the kernels' tests on the GPU, the same short pretrain on CPU and GPU with the losses
compared, benches. Every step is recorded, also when it fails; nothing is guessed. Needs only Python's standard library and the torch that
is there. Without a card, --machine goes through the same steps: the device's tests run on the machine that executes the PTX on the host,
and so do the kernels of the second pretrain, with torch on the CPU.
"""
import argparse
import ctypes
import json
import os
import pathlib
import platform
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"]
NEVER_CALLED = {"_ZSt21ios_base_library_initv"}  # of a newer libstdc++; its version is made weak when the folder is published
LOSS_STEPS, LOSS_TOLERANCE = 20, 1e-3
BENCHES = {"knn": ["--rows", "16384"], "loss": ["--rows", "16384"], "sampling": ["--rows", "16384", "--k", "1024"],
           "kmeans": ["--rows", "16384", "--clusters", "100", "--iterations", "5"], "augment": [], "train": ["--side", "64"]}


def undefined_symbols(path):
    """Names that a 64-bit ELF library takes from others: the entries of .dynsym without a section."""
    data = path.read_bytes()
    section_table, = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_table + i * entry_size) for i in range(count)]
    for section in sections:
        if section[1] != 11:  # SHT_DYNSYM
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, home = struct.unpack_from("<IBBH", data, at)
            if home == 0 and name and info >> 4 == 1:  # undefined and global; weak ones may be missing
                start = strings + name
                yield data[start:data.index(b"\0", start)].decode()


def probe(torch_folder):
    """Loads libtorch in the program's order and looks up everything that LibTorchSharp takes from it."""
    for library in LIBRARIES:
        path = torch_folder / library
        if path.exists():
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    scope = ctypes.CDLL(None)
    binding = next(HERE.rglob("libLibTorchSharp.so"))
    names = list(undefined_symbols(binding))
    missing = [name for name in names if name not in NEVER_CALLED and not hasattr(scope, name)]
    return {"binding": binding.name, "symbols": len(names), "missing": missing}


def run(name, command, environment, limit_s):
    print(f"{name}: {' '.join(map(str, command))}", flush=True)
    start = time.monotonic()
    try:
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=limit_s)
        code, output, errors = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        code, output, errors = 124, (late.stdout or b"").decode(errors="replace"), f"ran past {limit_s} s"
    step = {"name": name, "command": [str(c) for c in command], "environment": environment, "exit": code,
            "seconds": round(time.monotonic() - start, 2)}
    step["output"], step["errors"] = output[-20000:], errors[-8000:]
    print(f"  exit {code}, {step['seconds']} s", flush=True)
    return step


def losses(folder):
    path = folder / "metrics.jsonl"
    return [json.loads(line)["loss"] for line in path.read_text().splitlines() if line] if path.exists() else []


def compare(on_cpu, other, steps):
    pairs = list(zip(on_cpu, other))[:steps]
    worst = max((abs(a - b) / abs(a) for a, b in pairs if a), default=None)
    agrees = len(pairs) == steps and worst is not None and worst <= LOSS_TOLERANCE
    return {"steps": len(pairs), "worst_relative": worst, "agrees": agrees}


def bench_line(step):
    """A bench's JSON as a line of the table; None where it gave none."""
    start = step["output"].find("{")
    try:
        found = json.loads(step["output"][start:]) if start >= 0 else None
    except json.JSONDecodeError:
        found = None
    if not found:
        return None
    baselines = "; ".join(f"{b['name']} {b['ms']:.1f} ms ({b['speedup']:.2f} x)" for b in found["baselines"])
    shape = ", ".join(f"{name} {size:,}" for name, size in found["shape"].items())
    return f"| {found['job']} | {shape} | {found['ours_ms']:.2f} | {found['floor_ms']:.2f} | {baselines} |"


def gpu():
    query = "name,driver_version,memory.total,compute_cap"
    try:
        done = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"], capture_output=True, text=True)
        return done.stdout.strip()
    except FileNotFoundError:
        return ""


def markdown(report):
    lines = [f"# {report['gpu'] or 'no GPU seen'}", "", f"Commit {report['commit']}, torch {report['torch']}, {report['machine']}.", ""]
    missing = report["probe"]["missing"]
    lines += [f"LibTorchSharp takes {report['probe']['symbols']} symbols; {len(missing)} are missing from this torch"
              + (": " + ", ".join(missing[:20]) if missing else "."), ""]
    lines += ["| step | exit | seconds |", "|---|---|---|"]
    lines += [f"| {step['name']} | {step['exit']} | {step['seconds']} |" for step in report["steps"]]
    loss = report["losses"]
    lines += ["", f"First {loss['steps']} losses, {report['backend']} against CPU: worst relative difference "
                  f"{loss['worst_relative']} (wanted: within {LOSS_TOLERANCE})."]
    benches = [line for line in map(bench_line, report["steps"]) if line] if report["benches"] else []
    if benches:
        lines += ["", f"Benches with kernels={report['bench_kernels']}, on whatever else this machine was doing:", ""]
        lines += ["| job | shape | ours, ms | floor, ms | beside it |", "|---|---|---|---|---|", *benches]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("gpu-results"), help="folder for results and runs")
    parser.add_argument("--patches", type=pathlib.Path, help="a patches folder to train on; without it a few synthetic slides are made")
    parser.add_argument("--torch-lib", type=pathlib.Path, help="libtorch's folder; without it that of this Python's torch")
    parser.add_argument("--steps", type=int, default=LOSS_STEPS, help="training steps of each pretrain")
    parser.add_argument("--machine", action="store_true", help="no card: the PTX is executed on the host")
    parser.add_argument("--no-bench", action="store_true", help="leave the benches out")
    arguments = parser.parse_args()

    version = "given by --torch-lib"
    if arguments.torch_lib is None:
        import torch
        arguments.torch_lib, version = pathlib.Path(torch.__file__).parent / "lib", torch.__version__
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    environment = {"SSLP_LIBTORCH": str(arguments.torch_lib)}
    sslp, tests = HERE / "sslp", HERE / "SSLP.Kernels.Tests"

    report = {"gpu": gpu(), "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.platform()}", "torch": version,
              "commit": (HERE / "COMMIT").read_text().strip(), "probe": probe(arguments.torch_lib), "steps": [],
              "backend": "the PTX machine" if arguments.machine else "GPU", "benches": not arguments.no_bench,
              "bench_kernels": "cpu" if arguments.machine else "cuda"}
    if arguments.machine:
        report["gpu"] = "No card: the PTX machine on the host"
    steps = report["steps"]
    steps.append(run("doctor", [sslp, "doctor"], environment, 300))
    steps.append(run("kernel tests, cpu", [tests], {}, 600))
    if not arguments.machine:  # the step before has run them on the machine
        steps.append(run("device tests, cuda", [tests, "--filter-namespace", "SSLP.Kernels.Tests.Device"], {"SSLP_KERNELS": "cuda"}, 600))

    source = ["--patches", arguments.patches] if arguments.patches else ["--slides", out / "slides"]
    if not arguments.patches:
        steps.append(run("synth", [sslp, "synth", "--out", out / "slides", "--slides", "2", "--seed", "1"], environment, 600))
    # A rate at which the weights hardly move: at the default one a last bit of the first step is per cents of the seventh one's loss.
    chosen = {"max_steps": arguments.steps, "batch_size": 32, "input_size": 64, "seed": 1, "learning_rate": 1e-6, "temperature": 0.5}
    settings = [f"--set={key}={value}" for key, value in chosen.items()]
    second = (HERE / "sslp-machine", "cpu") if arguments.machine else (sslp, "cuda")
    for program, device, kernels in [(sslp, "cpu", "cpu"), (*second, "cuda")]:
        command = [program, "pretrain", *source, "--out", out / f"run-{kernels}", f"--set=device={device}", *settings]
        steps.append(run(f"pretrain, kernels={kernels}", command, {**environment, "SSLP_KERNELS": kernels}, 900))
    report["losses"] = compare(losses(out / "run-cpu"), losses(out / "run-cuda"), arguments.steps)
    for job, sizes in BENCHES.items() if report["benches"] else []:
        steps.append(run(f"bench {job}", [sslp, "bench", job, "--rounds", "7", "--json", *sizes],
                         {**environment, "SSLP_KERNELS": report["bench_kernels"]}, 600))

    (out / "results.json").write_text(json.dumps(report, indent=1))
    (out / "results.md").write_text(markdown(report))
    print(f"{out / 'results.md'}")
    return 0 if all(step["exit"] == 0 for step in steps) and not report["probe"]["missing"] and report["losses"]["agrees"] else 1


if __name__ == "__main__":
    sys.exit(main())
