#!/usr/bin/env python3
"""What does a run on ten million patches take? Makes a manifest of N patches on links to one synthetic slide, prints the plan, trains a few
steps, and puts the host memory that they took beside what the plan said. Standard library only; Linux.

    bench/ten_million.py --sslp 'dotnet engine/SSLP.Cli/bin/Release/net10.0/sslp.dll' --out DIR
        [--patches 10000000] [--width 128] [--steps 4]

Leaves DIR/plan.txt, DIR/ten_million.json and the run."""
import argparse, array, hashlib, json, os, re, shlex, struct, subprocess, sys, time

SIDE, PATCH, MPP = 4096, 16, 0.5


def run(command, log):
    """Exit code, seconds and the most resident bytes of a command."""
    started, most = time.monotonic(), 0
    with open(log, "w") as text, subprocess.Popen(command, stdout=text, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status") as status:
                    most = max([most] + [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")])
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.2)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command[:4])} … ended with exit code {process.returncode}; see {log}")
    return time.monotonic() - started, most


def manifest(path, slide, patches):
    """The form of ManifestFile.cs, version 1: 64 bytes, a JSON header padded to 8, then slide, col and row as int32."""
    across = SIDE // PATCH
    each = across * across
    slides, names = -(-patches // each), []
    for i in range(slides):
        link = os.path.join(os.path.dirname(slide), "links", f"s{i:05}.tif")
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.link(slide, link)
        names.append(link)
    counts = [min(each, patches - i * each) for i in range(slides)]
    header = json.dumps({"patch_size": PATCH, "mpp": MPP, "min_tissue": 0.5, "upsample": False, "left_out": [], "slides": [
        {"name": os.path.basename(n), "path": n, "bytes": os.path.getsize(n), "width": SIDE, "height": SIDE, "mpp_x": MPP, "mpp_y": MPP,
         "mpp_source": "made", "patches": c} for n, c in zip(names, counts)]}).encode()
    header += b" " * (-len(header) % 8)
    digest = hashlib.sha256(header)
    with open(path, "wb") as out:
        out.write(b"\0" * 64 + header)
        grid = array.array("i", range(each))
        for column in (lambda i, c: array.array("i", [i]) * c, lambda i, c: array.array("i", [p % across for p in grid[:c]]),
                       lambda i, c: array.array("i", [p // across for p in grid[:c]])):
            last = None
            for i, count in enumerate(counts):
                last = column(i, count).tobytes()
                digest.update(last)
                out.write(last)
        out.seek(0)
        out.write(b"SSLPTILE" + struct.pack("<iiq", 1, len(header), patches) + digest.digest())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sslp", default="sslp", help="the command that runs sslp")
    parser.add_argument("--out", required=True)
    parser.add_argument("--patches", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    sslp, out = shlex.split(options.sslp), os.path.abspath(options.out)
    os.makedirs(out, exist_ok=True)
    slides, tiles, folder = os.path.join(out, "slides"), os.path.join(out, "tiles.sslp"), os.path.join(out, "run")
    if not os.path.isdir(slides):
        run([*sslp, "synth", "--out", slides, "--slides", "1", "--size", str(SIDE)], os.path.join(out, "synth.txt"))
    slide = next(os.path.join(slides, f) for f in sorted(os.listdir(slides)) if f.endswith(".tif"))
    manifest(tiles, slide, options.patches)
    command = [*sslp, "pretrain", "--tiles", tiles, "--out", folder]
    for pair in (f"width={options.width}", "batch_size=32", "input_size=32", "epochs=100", "checkpoint_every=0", "keep_checkpoints=1",
                 "watch_every=0"):
        command += ["--set", pair]
    run([*command, "--set", f"max_steps={options.steps}", "--plan"], os.path.join(out, "plan.txt"))
    with open(os.path.join(out, "plan.txt")) as text:
        plan = text.read()
    print(plan)
    said = re.search(r"([\d.]+) (GB|MB)  in all, of", plan)
    seconds, most = run([*command, "--set", f"max_steps={options.steps}"], os.path.join(out, "log.txt"))
    with open(os.path.join(folder, "metrics.jsonl")) as lines:
        steps = [json.loads(line) for line in lines]
    checkpoints = os.path.join(folder, "checkpoints")
    result = {"patches": options.patches, "width": options.width, "steps": len(steps), "planned": said and said.group(0)[:-12],
              "most_resident_bytes": most, "seconds": round(seconds, 1),
              "slowest_step_s": round(max(32 / s["patches_per_second"] for s in steps), 2),
              "fastest_step_s": round(min(32 / s["patches_per_second"] for s in steps), 2),
              "checkpoint_bytes": sum(os.path.getsize(os.path.join(checkpoints, f)) for f in os.listdir(checkpoints))}
    with open(os.path.join(out, "ten_million.json"), "w") as text:
        json.dump(result, text, indent=1)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
