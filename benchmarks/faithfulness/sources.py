"""Texts that a programmer pastes: a diff, a web page, what kubectl says of a pod."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import (
    COLOURS,
    PLACES,
    SERVICES,
    THINGS,
    clock,
    hexadecimal,
    reference,
    some,
)


def diff(random: Random) -> Case:
    """A unified diff of three files that changes a number in each."""
    lines, changes = [], []
    about = random.choice([" def load_{}(path):", ""])
    for service in some(random, SERVICES, 3):
        thing, other = some(random, THINGS, 2)
        old, new = random.sample(range(2, 990), 2)
        path, at = f"{service}/{thing}.py", random.randint(10, 300)
        removed, added = f"-    {thing}_limit = {old}", f"+    {thing}_limit = {new}"
        lines += [
            f"diff --git a/{path} b/{path}",
            f"index {hexadecimal(random, 7)}..{hexadecimal(random, 7)} 100644",
            f"--- a/{path}",
            f"+++ b/{path}",
            f"@@ -{at},7 +{at},7 @@{about.format(thing)}",
            f"     {other}s = read_all(path)",
            f"     if not {other}s:",
            "         return None",
            removed,
            added,
            f"     for {other} in {other}s:",
            f"         check_{other}({other})",
            f"     return {other}s",
        ]
        changes.append((path, thing, removed, added))
    path, thing, removed, added = random.choice(changes)
    facts = tuple(change[3] for change in changes)
    return Case(
        "diff",
        "\n".join(lines) + "\n",
        f"What does this change do to {thing}_limit?",
        (removed, added),
        (*facts, changes[0][0]),
    )


def html(random: Random) -> Case:
    """A page: head, navigation, prose, a table of fares with entities, a footer."""
    town, thing = random.choice(PLACES), random.choice(THINGS)
    hours = sorted(random.sample(range(6, 22), 3))
    times = [f"{hour:02d}:{random.randint(10, 59)}" for hour in hours]
    fares = {who: random.sample(range(11, 199), 2) for who in ("Adult", "Child", "Bicycle", "Dog")}
    phone = "&nbsp;".join(str(random.randint(10, 99)) for _ in range(4))
    rows = "\n".join(
        f"<tr><td>{who}</td><td>{one}&nbsp;kr</td><td>{two}&nbsp;kr</td></tr>"
        for who, (one, two) in fares.items()
    )
    colour = random.choice(COLOURS)
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Ferry to {town}</title>
<style>.c{{color:#333;margin:0 auto}}@media(max-width:640px){{.c{{padding:4px}}}}</style>
<script>window.layer=window.layer||[];function tag(){{layer.push(arguments)}}tag('js');</script>
</head><body class="c">
<nav><ul><li><a href="/">Home</a></li><li><a href="/contact">Contact</a></li></ul></nav>
<div class="cookie">We use cookies. <button onclick="ok()">Accept&nbsp;all</button></div>
<main><h1>Ferry to {town}</h1>
<p>The ferry leaves the {colour} quay at <b>{times[0]}</b>, {times[1]} and {times[2]}.</p>
<p>On Sundays the first boat does <em>not</em> run. The {thing} is carried free.</p>
<table id="fares"><tr><th>Passenger</th><th>Single</th><th>Return</th></tr>
{rows}
</table>
<p>Call <a href="tel:+47">{phone}</a> for groups of more than {random.randint(10, 40)}.</p></main>
<footer><p>&copy; 2031 Lines AS. All rights reserved. <a href="/privacy">Privacy</a></p></footer>
</body></html>
"""
    who, (one, _) = random.choice(list(fares.items()))
    asked = random.choice(
        [
            (f"What does a single ticket cost for {who}?", (who, f"{one}&nbsp;kr")),
            ("When does the first ferry leave?", (times[0],)),
            ("Which number do groups call?", (phone,)),
        ]
    )
    return Case("html", text, *asked, (town, times[0], times[2], f"{fares['Adult'][0]}&nbsp;kr"))


def kubectl(random: Random) -> Case:
    """What ``kubectl describe pod`` says of a pod that was killed, events at the end."""
    name, space = some(random, SERVICES, 2)
    limit, code = random.randint(100, 900), random.choice([134, 137, 139])
    reason = {134: "Error", 137: "OOMKilled", 139: "Error"}[code]
    why = "out of memory" if code == 137 else "signal"
    pod, restarts = f"{name}-{hexadecimal(random, 9)}", random.randint(5, 60)
    start, end = clock(random, 2)
    image = f"registry.example.net/{space}/{name}:{random.randint(1, 9)}.{random.randint(0, 30)}"
    text = f"""\
Name:             {pod}
Namespace:        {space}
Priority:         0
Node:             node-{random.choice(COLOURS)}/10.0.{random.randint(0, 9)}.{random.randint(1, 99)}
Start Time:       Tue, 04 Mar 2031 {start} +0000
Labels:           app={name}
                  tier=backend
Status:           Running
IP:               10.2.{random.randint(0, 9)}.{random.randint(1, 99)}
Containers:
  {name}:
    Image:          {image}
    Port:           {random.randint(3000, 9999)}/TCP
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       {reason}
      Exit Code:    {code}
      Finished:     Tue, 04 Mar 2031 {end} +0000
    Ready:          False
    Restart Count:  {restarts}
    Limits:
      cpu:     {random.randint(100, 900)}m
      memory:  {limit}Mi
    Requests:
      cpu:     {random.randint(10, 99)}m
      memory:  {limit // 2}Mi
  proxy:
    Image:          registry.example.net/base/proxy:{random.randint(1, 9)}.0
    State:          Running
    Ready:          True
    Restart Count:  0
Conditions:
  Type              Status
  Initialized       True
  Ready             False
  PodScheduled      True
Events:
  Type     Reason     Age    From      Message
  Normal   Pulled     12m    kubelet   Container image "{image}" already present on machine
  Normal   Created    12m    kubelet   Created container {name}
  Normal   Started    12m    kubelet   Started container {name}
  Warning  Killed     11m    kubelet   {pod} was killed: {why}, see {reference(random)}
  Warning  BackOff    2m     kubelet   Back-off restarting failed container {name}
"""
    asked = random.choice(
        [
            ("Why does the pod restart?", (reason, f"was killed: {why}")),
            ("How much memory may the container use?", (f"memory:  {limit}Mi",)),
            ("What was the exit code?", (str(code),)),
            (f"How many times was {name} restarted?", (f"Restart Count:  {restarts}",)),
        ]
    )
    facts = (reason, "CrashLoopBackOff", f"memory:  {limit}Mi", f"was killed: {why}")
    return Case("kubectl", text, *asked, facts)
