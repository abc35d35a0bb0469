"""What is written in any format is read again equal: every kind, both languages, pictures, rubric, enemies, tags."""

import os
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings

from certification.banks.form import check
from certification.banks.readers import read_questions
from certification.banks.writers import WRITERS, write_questions
from tests.certification.forms import banks


@pytest.mark.parametrize("named", list(WRITERS))
@settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=2000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 30,
)
@given(bank=banks)
def test_written_and_read_again(named, bank):
    for question in bank:
        check(question)
    read = read_questions("bank" + WRITERS[named][1], write_questions(bank, named))
    assert [(str(s.place), str(s.reason)) for s in read.skipped] == []
    assert [asdict(q) for q in read.questions] == [asdict(q) for q in bank]
    assert [q.content_hash for q in read.questions] == [q.content_hash for q in bank]
