"""Names of files as they are typed in the chat, and what Tab makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelingua.cli.names import path_of, paths_and_number
from edgelingua.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and the home folder in it."""
    for name in ("a.txt", "b", "my notes.txt", "report 200", "home/it's mine.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Some text.")
    monkeypatch.chdir(tmp_path)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "names", "number"),
    [
        ("a.txt", ["a.txt"], None),
        ("  a.txt   200 ", ["a.txt"], 200),
        ("a.txt b 7", ["a.txt", "b"], 7),
        ("my notes.txt", ["my notes.txt"], None),
        ("b my notes.txt a.txt 9", ["b", "my notes.txt", "a.txt"], 9),
        ('"my notes.txt" b', ["my notes.txt", "b"], None),
        ("'my notes.txt' 5", ["my notes.txt"], 5),
        ("report 200", ["report 200"], None),
        ("report 200 300", ["report 200"], 300),
        ("~/it's mine.txt 3", ["home/it's mine.txt"], 3),
        ("a.txt none here.txt 20", ["a.txt", "none here.txt"], 20),
        ("200", ["200"], None),
        ("b 9999999999", ["b", "9999999999"], None),
        ("a\0b", ["a\0b"], None),
    ],
)
def test_names_with_blanks_stand_beside_each_other(
    typed: str, names: list[str], number: int | None, folder: Path
) -> None:
    paths, found = paths_and_number(typed)
    assert [folder / path for path in paths] == [folder / name for name in names]
    assert found == number


@pytest.mark.parametrize("typed", ["", "  ", '""'])
def test_no_name_is_an_error(typed: str) -> None:
    for read in (path_of, paths_and_number):
        with pytest.raises(InputError, match="which file"):
            read(typed)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("/", ["/compress ", "/save ", "/load ", "/stats", "/help", "/exit", "/quit"]),
        ("/co", ["/compress "]),
        ("/s", ["/save ", "/stats"]),
        ("/compress ", ["a.txt", "b", "home/", "my notes.txt", "report 200"]),
        ("/compress my", ["my notes.txt"]),
        ("/compress my no", ["my notes.txt"]),
        ("/compress a.txt my no", ["a.txt my notes.txt"]),
        ("/load ~/it", ["~/it's mine.txt"]),
        ("/save ho", ["home/"]),
        ("/stats a", []),
        ("/none a", []),
        ("What is in a", []),
        ("", []),
    ],
)
def test_tab_completes_commands_and_names(typed: str, completed: list[str], folder: Path) -> None:
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from edgelingua.cli.completion import CommandCompleter

    command = typed[: typed.find(" ") + 1]
    got = []
    for completion in CommandCompleter().get_completions(Document(typed), CompleteEvent()):
        kept = typed[: len(typed) + completion.start_position]
        got.append((kept + completion.text).removeprefix(command))
    assert got == completed
