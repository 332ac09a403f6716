"""Each document goes to a model that knows its language, or to none."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Compressed, ModelBundle, Prompt, Pruner, load_compressor
from edgelingua.compat import PromptCompressor
from edgelingua.compressed import broken
from edgelingua.errors import InputError, LanguageWarning
from edgelingua.models import registry

MINI, MULTI = registry.DEFAULT_CLASSIFIER, registry.DEFAULT_MULTILINGUAL
ENGLISH = (
    "The tribunal at Geneva awarded fifteen million dollars in gold. The weather was bad that "
    "year, and many people left the city. The harvest failed in the south. "
)
FRENCH = (
    "Le tribunal de Genève a accordé quinze millions de dollars en or. Le temps était mauvais "
    "cette année-là, et beaucoup de gens ont quitté la ville. "
)
CHINESE = "那一年天气很糟糕，许多人离开了城市。日内瓦的法庭判给索赔人一千五百万美元。南方歉收。"
ROMANISED = "Yeh samjhauta March mein hua tha aur paise nahi mile. Woh sheher se chale gaye."
TIBETAN = "བོད་ཀྱི་སྐད་ཡིག་ནི་གལ་ཆེན་པོ་ཡིན། " * 4
ASKED, ASKED_IN_CHINESE = "How much did the tribunal award?", "法庭判了多少钱？"


@pytest.fixture(scope="module")
def both() -> Pruner:
    return load_compressor()


@pytest.fixture
def mini(monkeypatch: pytest.MonkeyPatch) -> Pruner:
    """As with edgelingua's own wheel alone."""
    monkeypatch.setattr(registry, "multilingual_bundle", lambda: None)
    return load_compressor()


def kept(pruner: Pruner, text: str | list[str], question: str = "") -> Compressed:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LanguageWarning)
        return pruner.compress(Prompt.build(text, question=question), Budget(rate=0.5))


@pytest.mark.parametrize(
    ("text", "question", "model"),
    [
        (ENGLISH, "", MINI),
        (ENGLISH, ASKED, MINI),
        (FRENCH, "", MULTI),
        (FRENCH, ASKED, MULTI),
        (CHINESE, ASKED_IN_CHINESE, MULTI),
        (CHINESE, "", MULTI),
        (ENGLISH, ASKED_IN_CHINESE, MULTI),
        (ENGLISH + CHINESE, ASKED, MULTI),
        ([ENGLISH, ENGLISH, CHINESE], ASKED, f"{MINI} + {MULTI}"),
        ([ENGLISH, CHINESE], ASKED_IN_CHINESE, MULTI),
        (ROMANISED, "", MULTI),
        (ENGLISH + "def der(die):\n    return die\n", ASKED, MINI),
    ],
)
def test_the_model_is_chosen_by_text_and_question(
    both: Pruner, text: str | list[str], question: str, model: str
) -> None:
    assert kept(both, text, question).model == model


def test_what_is_asked_in_chinese_is_found_in_chinese(both: Pruner) -> None:
    assert "一千五百万美元" in kept(both, CHINESE, ASKED_IN_CHINESE).text
    assert "fifteen million dollars" in kept(both, ENGLISH * 2, ASKED_IN_CHINESE).text


def test_english_is_compressed_as_it_was(both: Pruner) -> None:
    named = load_compressor(model=MINI)
    assert kept(both, ENGLISH, ASKED).text == kept(named, ENGLISH, ASKED).text


def test_another_language_is_compressed_as_by_the_model_that_is_named(both: Pruner) -> None:
    named = load_compressor(model=MULTI)
    for options in ({}, {"level": "sentence", "gap": "…", "second_pass": True, "threshold": 0.2}):
        mine = kept(both.with_options(**options), FRENCH * 3, ASKED)  # type: ignore[arg-type]
        theirs = kept(named.with_options(**options), FRENCH * 3, ASKED)  # type: ignore[arg-type]
        assert mine.text == theirs.text
        assert mine.model == theirs.model == MULTI


def test_the_second_model_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = ModelBundle.open

    def spied(folder: Path, **options: bool) -> ModelBundle:
        opened.append(folder.name)
        return real(folder, **options)

    monkeypatch.setattr(ModelBundle, "open", spied)
    pruner = load_compressor()
    kept(pruner, ENGLISH, ASKED)
    assert opened == [MINI]
    kept(pruner, FRENCH)
    kept(pruner.with_options(level="sentence"), CHINESE)
    assert opened == [MINI, MULTI]


def test_threads_that_need_it_at_once_load_it_once() -> None:
    pruner = load_compressor()
    gate = Barrier(4)

    def work(text: str) -> tuple[str, str]:
        gate.wait()
        done = kept(pruner, text)
        return done.model, done.text

    texts = [FRENCH, CHINESE, ENGLISH, FRENCH]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, texts))
    assert [model for model, _ in done] == [MULTI, MULTI, MINI, MULTI]
    assert done[0] == done[3]
    assert done[0][1] == kept(pruner, FRENCH).text


def test_letters_that_no_model_knows_are_judged_by_none(both: Pruner) -> None:
    for question in ("", ASKED):
        with pytest.warns(LanguageWarning, match="does not know their letters"):
            done = both.compress(Prompt.build(TIBETAN, question=question), Budget(rate=0.5))
        assert done.model == ("bm25" if question else "truncate")


def test_without_the_second_model_sentences_stay_whole(mini: Pruner) -> None:
    with pytest.warns(LanguageWarning, match=r"edgelingua\[multilingual\]"):
        done = mini.compress(Prompt.build(CHINESE, question=ASKED_IN_CHINESE), Budget(rate=0.7))
    assert done.model == "bm25"
    assert "日内瓦的法庭判给索赔人一千五百万美元。" in done.text
    with pytest.warns(LanguageWarning, match="the beginning"):
        done = mini.compress(Prompt.build(CHINESE), Budget(rate=0.5))
    assert done.model == "truncate"
    assert CHINESE.startswith(done.text)


def test_letters_that_it_knows_it_judges_with_a_warning(mini: Pruner) -> None:
    for text, question in ((FRENCH, ASKED), (FRENCH, ""), (ENGLISH, ASKED_IN_CHINESE)):
        with pytest.warns(LanguageWarning, match="it compresses all the same"):
            done = mini.compress(Prompt.build(text, question=question), Budget(rate=0.5))
        assert done.model == MINI


@pytest.mark.parametrize("name", registry.ENGLISH)
def test_a_model_that_is_named_is_obeyed(name: str) -> None:
    pruner = load_compressor(model=name)
    with pytest.warns(LanguageWarning, match="it was named"):
        done = pruner.compress(Prompt.build(CHINESE), Budget(rate=0.5))
    assert done.model == name


def test_a_floor_is_for_english(both: Pruner) -> None:
    kept_english = both.compress(Prompt.build(ENGLISH, question=ASKED), Budget(floor=0.8))
    assert kept_english.model == MINI
    with pytest.raises(InputError, match="another language"):
        both.compress(Prompt.build(CHINESE, question=ASKED_IN_CHINESE), Budget(floor=0.9))


def test_what_is_no_prompt_or_budget_is_said_to_be_none(both: Pruner) -> None:
    with pytest.raises(InputError, match="Budget"):
        both.compress(Prompt.build(CHINESE), 0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Prompt"):
        both.compress(CHINESE, Budget(rate=0.5))  # type: ignore[arg-type]


PIECES = st.lists(
    st.sampled_from([ENGLISH, FRENCH, CHINESE, "x = 12.5 % of 3\n", "Ελλάδα και Κύπρος. ", "ไทย "]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=15)
@given(PIECES, st.sampled_from(["", ASKED, ASKED_IN_CHINESE]), st.sampled_from([90, 200]))
def test_whatever_is_mixed_the_budget_holds_and_the_output_is_slices(
    both: Pruner, pieces: list[str], question: str, tokens: int
) -> None:
    prompt = Prompt.build("".join(pieces), question=question)
    done = both.compress(prompt, Budget(tokens=tokens))
    assert done.tokens_out <= done.limit
    whole = broken(prompt.text, done.breaks)
    assert done.text == "".join(whole[a:b] for a, b in done.spans.tolist())
    assert done.model in (MINI, MULTI)


def test_the_reference_interface_chooses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    named = PromptCompressor(MULTI, use_llmlingua2=True)
    chosen = PromptCompressor(use_llmlingua2=True)
    key = "compressed_prompt"
    assert chosen.compress_prompt(CHINESE)[key] == named.compress_prompt(CHINESE)[key]
    monkeypatch.setattr(registry, "multilingual_bundle", lambda: None)
    alone = PromptCompressor(use_llmlingua2=True)
    with pytest.warns(LanguageWarning, match="multilingual"):
        assert CHINESE.startswith(alone.compress_prompt(CHINESE)[key])
