"""Search: Chinese and English, both scripts, the same order on both databases."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from casebook.search.actions import index, remove
from casebook.search.queries import search
from casebook.search.rules import CANDIDATES, MOST_TERMS, bm25, rarest, stored_terms, terms
from portal.folding import fold

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "zh_search"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("私域运营", ["私域", "域运", "运营"]),
        ("社群运营 宠粮", ["社群", "群运", "运营", "宠粮"]),
        ("茶", ["茶"]),
        ("茶，饮", ["茶", "饮"]),
        ("社群運營", ["社群", "群运", "运营"]),
        ("ＳＣＲＭ系统", ["scrm", "系统"]),
        ("Repeat purchase: 3 times.", ["repeat", "purchase", "3", "times"]),
        ("", []),
        ("!!! ?? ***", []),
    ],
)
def test_terms(text: str, found: list[str]) -> None:
    assert terms(text) == found


@pytest.mark.parametrize("word", ["c++", "node.js", "c#", "e-mail", "snake_case"])
def test_a_word_with_signs_is_one_term_without_any(word: str) -> None:
    (term,) = terms(f"we write {word}, daily")[2:3]
    assert term.isalnum()
    assert terms(word) == [term]
    assert terms(word) != terms(
        word.replace("+", "").replace(".", "").replace("#", "").replace("-", "").replace("_", "")
    )


@given(st.text())
def test_terms_are_letters_and_digits_alone(text: str) -> None:
    for term in stored_terms(text):
        assert term
        assert len(term) <= 64
        assert not set(term) & set(" '\"\\:*()&|!<>-+#._\0")


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_folding_keeps_the_length_and_folds_once(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_folding_knows_the_usual_characters() -> None:
    assert fold("網路行銷與導購賦能，會員複購") == "网路行销与导购赋能，会员复购"


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 500), min_size=1))
def test_the_rarest_terms_fetch_no_more_than_can_be_ranked(frequencies: dict[str, int]) -> None:
    chosen = rarest(frequencies)
    assert 1 <= len(chosen) <= MOST_TERMS
    assert len(chosen) == 1 or sum(frequencies[t] for t in chosen) <= CANDIDATES
    assert max(frequencies[t] for t in chosen) <= min(
        (n for t, n in frequencies.items() if t not in chosen), default=500
    )


@given(st.integers(1, 50), st.integers(1, 400), st.integers(0, 1000))
def test_bm25_never_falls_with_another_mention(count: int, length: int, held_by: int) -> None:
    from collections import Counter

    def score(n: int) -> float:
        return bm25(
            ["宠粮"],
            Counter({"宠粮": n}),
            length=length,
            frequencies={"宠粮": held_by},
            documents=1000,
            mean_length=100,
        )

    assert 0 <= score(count) <= score(count + 1)


TEXTS = {
    1: ("宠粮品牌社群运营", "会员复购从一年一次到三次"),
    2: ("蛋糕烘焙会员体系", "生日前的社群提醒"),
    3: ("社群运营陪跑", "百货导购的企业微信接待"),
    4: ("Node.js mini-program mall", "Built with C++ and Node.js for a pet brand"),
    5: ("導購賦能與會員複購", "百貨公司的私域轉型"),
    6: ("奶茶", "茶饮门店的私域。只写一个字：茶"),
}


@pytest.fixture
def indexed(session: Session) -> Session:
    for n, (title, body) in TEXTS.items():
        index(session, "case", n, title, body)
    index(session, "provider", 1, "社群运营", "宠粮")
    return session


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("宠粮", [1]),
        ("社群", [3, 1, 2]),
        ("社群运营", [3, 1]),
        ("社群運營", [3, 1]),
        ("社群运营 宠粮", [1]),
        ("导购赋能", [5]),
        ("導購", [5, 3]),
        ("会员复购", [5, 1]),
        ("茶", [6]),
        ("蛋", [2]),
        ("node.js", [4]),
        ("NODE.JS c++", [4]),
        ("pet brand", [4]),
        ("c", []),
        ("火箭", []),
        ("", []),
        ("，。！", []),
    ],
)
def test_search(indexed: Session, query: str, found: list[int]) -> None:
    assert search(indexed, "case", query) == found


def test_when_nothing_holds_every_word_the_rarest_terms_find(indexed: Session) -> None:
    assert search(indexed, "case", "宠粮品牌怎样请人做企业微信接待") == [3, 1]


def test_kinds_do_not_mix(indexed: Session) -> None:
    assert search(indexed, "provider", "宠粮") == [1]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '""',
        "'",
        "''",
        "宠粮'",
        '"宠粮" NEAR "社群"',
        "NEAR(宠粮 社群, 3)",
        "terms:宠粮",
        "宠粮*",
        "*",
        "^宠粮",
        "-宠粮",
        "宠粮 AND",
        "NOT 宠粮",
        "宠粮 & !社群",
        "宠粮:*",
        "\\",
        "宠粮\\'",
        "宠\0粮",
        "\0",
        "\ud800",
        "%",
        "_",
        "a" * 5000,
        "宠" * 5000,
        "宠 " * 5000,
        "(((",
        ");--",
    ],
)
def test_hostile_questions_are_only_words(indexed: Session, query: str) -> None:
    assert set(search(indexed, "case", query)) <= set(TEXTS)


def test_a_changed_text_is_found_by_its_new_words_alone(indexed: Session) -> None:
    index(indexed, "case", 1, "腕表", "珠宝")
    index(indexed, "case", 1, "腕表", "珠宝")
    assert search(indexed, "case", "宠粮") == []
    assert search(indexed, "case", "腕表") == [1]
    remove(indexed, "case", 1)
    remove(indexed, "case", 1)
    assert search(indexed, "case", "腕表") == []
    index(indexed, "case", 1, *TEXTS[1])
    assert search(indexed, "case", "社群运营 宠粮") == [1]


def test_an_empty_text_can_be_indexed_and_removed(session: Session) -> None:
    index(session, "case", 9, "", "")
    index(session, "case", 9, "宠粮", "")
    index(session, "case", 9, "", "")
    assert search(session, "case", "宠粮") == []
    remove(session, "case", 9)


def test_equal_texts_stand_in_the_order_of_their_ids(session: Session) -> None:
    for n in (3, 1, 2):
        index(session, "case", n, "宠粮", "社群")
    assert search(session, "case", "宠粮") == [1, 2, 3]
    assert search(session, "case", "宠粮", limit=2) == [1, 2]


@pytest.mark.skipif(not REAL.exists(), reason="the real set is not here")
def test_real_keywords_are_all_found(session: Session) -> None:
    """Every paragraph that holds the keyword is found, and no other; real Chinese, both scripts."""
    documents = {
        d["doc_id"]: fold(d["text"])
        for d in map(json.loads, (REAL / "docs.jsonl").read_text(encoding="utf-8").splitlines())
    }
    answers = [
        fold(q["answer"])
        for q in map(json.loads, (REAL / "queries_dev.jsonl").read_text(encoding="utf-8").splitlines())
    ]
    drawn = random.Random(7)
    sample = dict(drawn.sample(sorted(documents.items()), 400))
    for n, text in sample.items():
        index(session, "paragraph", n, "", text)
    keywords = {a for a in answers if 2 <= len(a) <= 6 and all("\u4e00" <= c <= "\u9fff" for c in a)}
    keywords = drawn.sample(sorted(k for k in keywords if any(k in text for text in sample.values())), 150)
    wrong = {}
    for keyword in keywords:
        gold = {n for n, text in sample.items() if keyword in text}
        if len(gold) <= CANDIDATES and set(search(session, "paragraph", keyword)) != gold:
            wrong[keyword] = gold
    assert wrong == {}
