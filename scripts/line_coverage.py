#!/usr/bin/env python3
"""Lines of src/ that the tests run, without the tests that src/ holds itself.

    rustup component add llvm-tools && cargo install cargo-llvm-cov
    cargo llvm-cov --locked --lcov --output-path target/lcov.info
    scripts/line_coverage.py target/lcov.info

Prints the share per folder, and the files with the most lines that no test runs.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

MODULE = re.compile(r"(pub(\(\w+\))? )?mod \w+ \{")


def first_of_tests(path: Path) -> int:
    """The line at which a file's own tests begin; they are its end."""
    lines = path.read_text().splitlines()
    for number, (line, following) in enumerate(zip(lines, lines[1:]), start=1):
        if line.startswith("#[cfg(") and "test" in line and MODULE.match(following):
            return number
    return len(lines) + 1


def main() -> None:
    counts = defaultdict(dict)
    with open(sys.argv[1]) as file:
        for line in file:
            if line.startswith("SF:"):
                path = Path(line[3:].strip())
            elif line.startswith("DA:"):
                number, count = map(int, line[3:].strip().split(",")[:2])
                counts[path][number] = max(count, counts[path].get(number, 0))
    folders, files = defaultdict(lambda: [0, 0]), []
    source = Path("src").resolve()
    for path, lines in counts.items():
        if not path.is_relative_to(source):
            continue
        end = first_of_tests(path)
        own = [count > 0 for number, count in lines.items() if number < end]
        name = path.relative_to(source)
        for folder in ("src", f"src/{name.parts[0]}"):
            folders[folder][0] += sum(own)
            folders[folder][1] += len(own)
        files.append((len(own) - sum(own), len(own), name))
    for folder, (covered, lines) in sorted(folders.items()):
        print(f"{folder:20} {100 * covered / max(lines, 1):5.1f}% of {lines:,} lines")
    print("most lines that no test runs:")
    for missed, lines, name in sorted(files, reverse=True)[:20]:
        print(f"  {missed} of {lines}  src/{name}")


if __name__ == "__main__":
    main()
