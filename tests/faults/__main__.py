"""`diagnose` on 65 programs with real faults, original and corrected, beside five research tools.

    python -m tests.faults              prints a table; about a minute
    python -m tests.faults --verbose    first a line for each program: what was said, and what is right
    python -m tests.faults --train      trains all programs, to see which learn; half an hour (see training.py)
    python -m tests.faults ID ...       these programs only, with any of the above

The programs are facts from the benchmark of Ghanbari et al. 2023, *Mutation-based fault localization of deep neural
networks*, ASE; the head of programs.toml tells more.
"""

import argparse
import time

import torch

from tests.faults import training
from tests.faults.counting import examine, table
from tests.faults.programs import programs


def show(some, verbose):
    """Diagnose programs, and print the table."""
    started, examined = time.perf_counter(), []
    for program in some:
        one = examine(program)
        examined.append(one)
        if verbose:
            print(_told(one), flush=True)
    print(*table(examined), sep="\n")
    hard = sum(one.is_hard_on_it for one in examined)
    gentle = sum(one.program.learns["original"]["learns"] for one in examined)
    print(f"\n{gentle} originals learn on their data all the same; {hard} of them are called sick.")
    for one in examined:
        for which, said in (("original", one.original), ("corrected", one.corrected)):
            if said.error:
                print(f"{one.program.id}, {which}, raised {said.error}")
    print(f"{len(examined)} programs, twice each, in {time.perf_counter() - started:.0f} s")


def _told(one):
    learns = [" (learns)" if one.program.learns[which]["learns"] else "" for which in ("original", "corrected")]
    alarm = ", a false alarm" if one.is_false_alarm else ""
    return (
        f"{one.program.id} {one.program.kind}: {one.outcome}\n"
        f"    original{learns[0]}: {one.original}\n"
        f"    right: {', '.join(one.program.right) or 'nothing'}\n"
        f"    corrected{learns[1]}: {one.corrected}{alarm}"
    )


def train(some, seconds):
    """Train programs, print what came out, and write it into the table."""
    for program in some:
        learns = training.judge(program, seconds=seconds)
        training.write(program.id, learns)
        print(program.id, program.kind, *(f"{which}: {found}" for which, found in learns.items()), flush=True)


def main():
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="diagnose on 65 programs with real faults")
    parser.add_argument("ids", nargs="*", type=int, help="only the programs of these numbers")
    parser.add_argument("--verbose", action="store_true", help="tell of each program what was found and what is right")
    parser.add_argument("--train", action="store_true", help="train the programs, and note which learn")
    parser.add_argument("--seconds", type=float, default=training.SECONDS, help="the most that a training may take")
    options = parser.parse_args()
    torch.set_num_threads(1)
    some = [program for program in programs() if not options.ids or program.id in options.ids]
    if options.train:
        train(some, options.seconds)
    else:
        show(some, options.verbose)


if __name__ == "__main__":
    main()
