#!/usr/bin/env python3
"""What a training step keeps of its share when other programs run: `sslp bench train` when the machine is quiet and beside busy
processes, for several settings of libgomp's waiting. A fair share beside b busy processes on c cores is 1 - b / (2 c) of the quiet rate.
Run it on a machine that does nothing else: fair_share.py SSLP.DLL [--side 32] [--batch 64] [--busy 0 1] [--spins none passive 10000]."""
import argparse
import json
import os
import subprocess
import sys


def rates(command, spins):
    """Patches a second by loop. "none": libgomp's own waiting; "passive": OMP_WAIT_POLICY; "default": what sslp sets; else a count."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    if spins == "none":
        environment["GOMP_SPINCOUNT"] = "300000"  # libgomp's own number where nothing is set
    elif spins == "passive":
        environment["OMP_WAIT_POLICY"] = "passive"
    elif spins != "default":
        environment["GOMP_SPINCOUNT"] = spins
    report = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    return {name.split(",")[0]: value for name, value in report["measures"].items() if name.endswith("patches/s")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sslp", help="path of sslp.dll or of the executable")
    parser.add_argument("--side", default="32")
    parser.add_argument("--batch", default="64")
    parser.add_argument("--rounds", default="9")
    parser.add_argument("--busy", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--spins", nargs="+", default=["none", "passive", "1000", "3000", "10000", "30000", "default"])
    args = parser.parse_args()
    program = ["dotnet", args.sslp] if args.sslp.endswith(".dll") else [args.sslp]
    command = program + ["bench", "train", "--json", "--side", args.side, "--queries", args.batch, "--rounds", args.rounds]
    cores = os.cpu_count()
    print(f"| waiting | busy | loop | patches/s | of quiet | of the fair share |\n|---|---|---|---|---|---|")
    for spins in args.spins:
        quiet = {}
        for busy in sorted(set([0] + args.busy)):
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
            try:
                found = rates(command, spins)
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            quiet = quiet or found
            for loop, rate in found.items():
                share = rate / quiet[loop]
                fair = 1 - busy / (2 * cores)
                print(f"| {spins} | {busy} | {loop} | {rate:.0f} | {share:.2f} | {share / fair:.2f} |", flush=True)


if __name__ == "__main__":
    main()
