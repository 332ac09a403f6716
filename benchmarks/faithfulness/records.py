"""Texts that are data: JSON, JSON lines, YAML, SQL."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import (
    COLOURS,
    PEOPLE,
    PLACES,
    SERVICES,
    THINGS,
    clock,
    fault,
    hexadecimal,
    reference,
    some,
)


def _devices(random: Random, number: int) -> tuple[list[dict[str, Any]], int, str]:
    """Devices that are well but one; which one, and what is said about it."""
    _, message, name = fault(random)
    bad = random.randrange(1, number - 1)
    devices = [
        {
            "id": f"{thing}-{random.randint(100, 999)}",
            "site": random.choice(PLACES),
            "status": "ok",
            "load": round(random.uniform(1, 99), 1),
            "note": "checked in the usual way, nothing to report",
        }
        for thing in some(random, THINGS, number)
    ]
    devices[bad] |= {"status": "failed", "note": f"{name}: {message}"}
    return devices, bad, message


def json_document(random: Random) -> Case:
    """A JSON document: settings, and an array of devices."""
    devices, bad, message = _devices(random, random.randint(8, 16))
    owner, token = random.choice(PEOPLE), hexadecimal(random, 12)
    document = {"owner": owner, "batch": token, "dry_run": False, "devices": devices}
    indent = random.choice([None, 1, 2])
    broken = devices[bad]["id"]
    chosen = random.choice(devices)
    asked = random.choice(
        [
            ("Which device failed, and why?", (broken, message)),
            (f"Where is {chosen['id']}?", (chosen["id"], chosen["site"])),
        ]
    )
    return Case("json", json.dumps(document, indent=indent), *asked, (broken, "failed", message))


def json_lines(random: Random) -> Case:
    """Events as JSON lines: alike but one."""
    service, message, name = fault(random)
    times = clock(random, random.randint(15, 35))
    bad, order = random.randrange(2, len(times) - 2), random.randint(10000, 99999)
    rows = []
    for at, time in enumerate(times):
        row: dict[str, Any] = {"ts": f"2031-03-04T{time}Z", "lvl": "info"}
        row |= {"svc": random.choice(SERVICES)}
        row |= {"msg": "request handled in the usual way", "ms": random.randint(5, 90)}
        if at == bad:
            row |= {"lvl": "error", "svc": service, "msg": f"{name}: {message}, order {order}"}
        rows.append(json.dumps(row))
    facts = (message, str(order), name)
    return Case("jsonl", "\n".join(rows) + "\n", "Why did an order fail?", facts[:2], facts)


def yaml_manifest(random: Random) -> Case:
    """A deployment's manifest."""
    name, space, config = some(random, SERVICES, 3)
    version = f"{random.randint(1, 9)}.{random.randint(0, 20)}.{random.randint(0, 9)}"
    memory, cpu = random.randint(100, 900), random.randint(100, 900)
    delay, port = random.randint(5, 60), random.randint(3000, 9999)
    polls, grace = random.randint(5, 90), random.randint(20, 90)
    image = f"registry.example.net/{space}/{name}:{version}"
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}-worker
  namespace: {space}
  labels:
    app: {name}
    tier: backend
spec:
  replicas: {random.randint(2, 9)}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {random.randint(1, 4)}
  template:
    spec:
      terminationGracePeriodSeconds: {grace}
      containers:
        - name: worker
          image: {image}
          env:
            - name: QUEUE_URL
              value: redis://{config}:6379/{random.randint(0, 9)}
            - name: POLL_SECONDS
              value: "{polls}"
          resources:
            limits:
              cpu: {cpu}m
              memory: {memory}Mi
            requests:
              cpu: {cpu // 2}m
              memory: {memory // 2}Mi
          readinessProbe:
            httpGet:
              path: /ready
              port: {port}
            initialDelaySeconds: {delay}
            failureThreshold: {random.randint(2, 9)}
      nodeSelector:
        pool: compute-{random.choice(COLOURS)}
"""
    asked = random.choice(
        [
            ("How much memory may the worker use at most?", (f"memory: {memory}Mi",)),
            ("Which image does the worker run?", (image,)),
            ("On which port is the probe?", (f"port: {port}",)),
            ("How long is the grace period?", (str(grace),)),
        ]
    )
    return Case("yaml", text, *asked, (f"{name}-worker", image, f"{memory}Mi"))


def sql(random: Random) -> Case:
    """A dump of a table: one row has a remark that the others lack."""
    rows, seen = [], some(random, PLACES, random.randint(8, 18))
    odd, mark = random.randrange(len(seen)), reference(random)
    for at, place in enumerate(seen):
        thing, mass = random.choice(THINGS), round(random.uniform(10, 900), 2)
        remark = f"'returned unopened, see {mark}'" if at == odd else "NULL"
        day = f"2031-04-{random.randint(1, 28):02d}"
        rows.append(
            f"({at + 1},'{reference(random)}','{thing}',{mass:.2f},'{place}','{day}',{remark})"
        )
    values = rows[odd].split(",")
    table = random.choice(["shipments", "parcels", "crates"])
    text = (
        f"-- Dump of table {table}\nDROP TABLE IF EXISTS `{table}`;\n"
        f"CREATE TABLE `{table}` (\n  `id` int NOT NULL,\n  `ref` varchar(12) NOT NULL,\n"
        "  `thing` varchar(40),\n  `mass_kg` decimal(6,2),\n  `place` varchar(40) NOT NULL,\n"
        "  `sent_on` date NOT NULL,\n  `remark` text,\n  PRIMARY KEY (`id`)\n);\n"
    )
    insert = f"INSERT INTO `{table}` VALUES"
    if random.random() < 0.5:
        text += f"{insert}\n" + ",\n".join(rows) + ";\n"
    else:
        text += "".join(f"{insert} {row};\n" for row in rows)
    other = random.choice(rows).split(",")
    asked = random.choice(
        [
            ("Which one was returned unopened, and what is its mass?", (values[1], values[3])),
            (f"What is the mass of {other[1][1:-1]}?", (other[1], other[3])),
        ]
    )
    return Case("sql", text, *asked, (values[1], mark, "returned unopened"))


def ini(random: Random) -> Case:
    """Settings in sections, with the same keys in each."""
    sections, values = some(random, SERVICES, 8), {}
    lines = ["# settings, see the manual"]
    for section in sections:
        lines.append(f"[{section}]")
        for key in ("HOST", "TIMEOUT", "RETRIES", "POOL_SIZE"):
            value = random.choice(THINGS) if key == "HOST" else str(random.randint(2, 900))
            values[section, key] = f"{key}={value}"
            lines.append(values[section, key])
        lines.append("")
    section, key = random.choice(sections), random.choice(["HOST", "TIMEOUT", "POOL_SIZE"])
    odd = random.choice(sections)
    lines.insert(lines.index(f"[{odd}]") + 1, f"# deprecated since {random.randint(2020, 2030)}")
    return Case(
        "ini",
        "\n".join(lines),
        f"What is the {key.lower().replace('_', ' ')} of {section}?",
        (f"[{section}]", values[section, key]),
        (f"[{odd}]", "# deprecated since"),
    )
