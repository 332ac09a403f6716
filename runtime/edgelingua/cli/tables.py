"""``edgelingua methods`` and ``edgelingua policies``: what there is to choose from."""

from __future__ import annotations

from edgelingua.cli.output import stdout
from edgelingua.compressors import METHODS, REWRITERS, default_method
from edgelingua.compressors.parts.figures import F1, F1_WHOLE, KEPT


def methods() -> None:
    """List the compression methods: what they are, what they need, how good they are, and when.

    ``kept``: questions (%) whose answer survives at a fifth of the tokens, on NaturalQuestions,
    HotpotQA and SQuAD; ``F1``: of what a reader of 1.5 billion parameters answers from it, on
    SQuAD; docs/methods.md says more.
    """
    from rich.table import Table

    table = Table("method", "what it does", "source", "needs", "kept", "F1", "when", box=None)
    default = default_method(None, question=False)
    for name, method in {**METHODS, **REWRITERS}.items():
        shown = f"{name} (default)" if name == default else name
        kept = " ".join("-" if share is None else str(share) for share in KEPT.get(name, ()))
        f1 = f"{F1[name]:.2f}" if name in F1 else ""
        table.add_row(shown, method.summary, method.source, method.needs, kept, f1, method.when)
    console = stdout()
    console.print(table)
    console.print(
        f"Without --method: {default}; with a scorer bundle selective_context, or question_aware "
        "where there is a question. Kept: answers (%) in a fifth of the tokens, on "
        "NaturalQuestions, HotpotQA and SQuAD. F1: of a reader of 1.5B on SQuAD; from the whole "
        f"text {F1_WHOLE:.2f}"
    )
    console.print(
        "In place of Infini-attention (arXiv:2404.07143), which needs weights of its own: a cache "
        "under a cap (edgelingua policies) reads text without end, and forgets what is far back; "
        "keep the text, and compress it for each question"
    )


def policies() -> None:
    """List the ways to choose what leaves the KV cache."""
    from rich.table import Table

    from edgelingua.kv.policies import DEFAULT_POLICY, POLICIES, WRAPPERS, name_of

    console = stdout()
    table = Table("policy", "what stays", "source", "signals", "cost", box=None)
    for name, policy in POLICIES.items():
        signals = ", ".join(sorted(policy.make().signals)) or "positions"
        table.add_row(name, policy.summary, policy.source, signals, policy.cost)
    for option, wrapper in WRAPPERS.items():
        row = (wrapper.summary, wrapper.source, "the policy's", wrapper.cost)
        table.add_row(f"--{option} N with any", *row)
    console.print(table)
    console.print(f"Without --policy: {name_of(DEFAULT_POLICY)}")
