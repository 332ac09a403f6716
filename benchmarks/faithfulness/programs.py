"""Source code, and what a compiler says of it."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import PEOPLE, SERVICES, THINGS, some


def code(random: Random) -> Case:
    """A Python module of five functions with constants, and a warning in one docstring."""
    things = some(random, THINGS, 5)
    owner, service = random.choice(PEOPLE), random.choice(SERVICES)
    warned, values = random.randrange(5), random.sample(range(2, 990), 5)
    timeout = f"TIMEOUT_SECONDS = {random.randint(3, 999)}"
    parts = [
        f'"""Stock of the {service} service."""\n\nimport json\nfrom pathlib import Path\n',
        f'{timeout}\nOWNER = "{owner}"\n',
    ]
    for at, (thing, value) in enumerate(zip(things, values, strict=True)):
        also = "\n\n    Must not be called from two threads.\n    " if at == warned else ""
        parts.append(
            f"""
def count_{thing}s(folder: Path, limit: int = {value}) -> int:
    \"\"\"Count what is in the folder, up to the limit.{also}\"\"\"
    found = 0
    for path in sorted(folder.glob("*.{thing}")):
        data = json.loads(path.read_text())
        if data["kind"] != "{thing}" or found >= limit:
            continue
        found += 1
    return found
"""
        )
    thing, value = random.choice(list(zip(things, values, strict=True)))
    asked = random.choice(
        [
            ("Which function must not be called from two threads?", (f"count_{things[warned]}s",)),
            (f"What is the limit of count_{thing}s?", (f"limit: int = {value}",)),
            ("What is the timeout?", (timeout,)),
        ]
    )
    facts = (timeout, "Must not be called from two threads", f"count_{things[warned]}s")
    return Case("code", "\n".join(parts), *asked, facts)


def cpp(random: Random) -> Case:
    """A C++ header: a class with five methods, constants, and a warning in one comment."""
    things, service = some(random, THINGS, 5), random.choice(SERVICES)
    warned, values = random.randrange(5), random.sample(range(2, 990), 6)
    methods = []
    for at, thing in enumerate(things):
        note = "Must not be called while the queue is locked." if at == warned else "Never blocks."
        methods.append(
            f"""
  // Takes one {thing}; returns false when there is none. {note}
  bool take_{thing}(int& out) noexcept {{
    if (count_{thing}_ == 0) {{
      return false;
    }}
    out = count_{thing}_ + {values[at]};
    count_{thing}_ -= 1;
    return true;
  }}
"""
        )
    fields = "".join(f"  int count_{thing}_{{0}};\n" for thing in things)
    limit = f"kLimit = {values[5]}"
    text = (
        f"// Stock of the {service} service.\n#pragma once\n#include <atomic>\n\n"
        f"namespace {service} {{\n\nconstexpr int {limit};\n\nclass Stock {{\n public:"
        f"{''.join(methods)}\n private:\n{fields}}};\n\n}}  // namespace {service}\n"
    )
    asked = random.choice(
        [
            ("Which method must not be called under the lock?", (f"take_{things[warned]}",)),
            ("What is the limit?", (limit,)),
        ]
    )
    facts = (limit, "Must not be called", f"take_{things[warned]}")
    return Case("cpp", text, *asked, facts)


def compiler(random: Random) -> Case:
    """What a Rust build says: progress, warnings, one error, and the place of each."""
    crates, names = some(random, SERVICES, 12), some(random, THINGS, 4)
    lines = [
        f"   Compiling {crate} v{random.randint(0, 9)}.{random.randint(0, 30)}.0"
        for crate in crates
    ]
    code, wanted, found = f"E0{random.randint(100, 799)}", *some(random, names, 2)
    said = [f"warning: unused variable: `{name}`" for name in names[:3]]
    said.insert(random.randint(0, 3), f"error[{code}]: mismatched types")
    place = ""
    for line in said:
        number, crate, name = random.randint(10, 900), random.choice(crates), random.choice(names)
        where = f"src/{crate}/{name}.rs:{number}:{random.randint(2, 60)}"
        lines += [line, f"  --> {where}", "   |"]
        if line.startswith("error"):
            place = where
            lines += [
                f"{number} |     let total = sum(&{name}s, {number});",
                f"   |                 expected `{wanted.title()}`, found `{found.title()}`",
            ]
        else:
            lines.append(f"{number} |     let {line.split('`')[1]} = {number + 1};")
        lines.append("")
    lines.append(f"error: could not compile `{random.choice(crates)}` due to 1 previous error")
    return Case(
        "compiler",
        "\n".join(lines) + "\n",
        random.choice(["What is the error, and where?", "Why does it not compile?"]),
        (code, place),
        (code, place, "mismatched types", f"found `{found.title()}`"),
    )


def listing(random: Random) -> Case:
    """What ``git status`` and ``ls -l`` say: one file is deleted, one belongs to somebody else."""
    names = [f"{thing}-{random.randint(2010, 2039)}.tar" for thing in some(random, THINGS, 16)]
    owner, other = some(random, PEOPLE, 2)
    odd = random.randrange(16)
    paths = [f"src/{s}/{t}.py" for s, t in zip(some(random, SERVICES, 6), THINGS, strict=False)]
    gone = random.randrange(6)
    lines = ["On branch main", "Changes not staged for commit:"]
    lines += [f"\t{'deleted: ' if at == gone else 'modified:'}   {p}" for at, p in enumerate(paths)]
    lines += ["", f"total {random.randint(100, 9000)}"]
    for at, name in enumerate(names):
        who = (other if at == odd else owner).lower()
        size, day = random.randint(1000, 9_999_999), random.randint(1, 28)
        lines.append(f"-rw-r--r-- 1 {who} staff {size} Mar {day} 2031 {name}")
    asked = random.choice(
        [
            ("Which file was deleted?", (paths[gone], "deleted:")),
            (f"Who owns {names[odd]}?", (other.lower(), names[odd])),
        ]
    )
    facts = (paths[gone], "deleted:", names[odd], other.lower())
    return Case("listing", "\n".join(lines) + "\n", *asked, facts)
