"""Answers that `davtari init` saves, and its file without a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from services.cli.init import app
from services.cli.init.interview import Interview, InterviewEnded, SavedAnswers
from tests.cli.interview_answers import give_answers, new_interview


@pytest.fixture
def ask(tmp_path: Path) -> Interview:
    return new_interview(tmp_path)


def test_answers_are_the_defaults_of_the_next_run(
    ask: Interview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_answers(monkeypatch, "https://shop.test", "2")
    ask.text("shop.url", "Address")
    assert ask.choose("type", "Which", ["a", "b"]) == "b"
    again = Interview(SavedAnswers(tmp_path / "davtari.answers"))
    give_answers(monkeypatch, "", "")
    assert again.text("shop.url", "Address") == "https://shop.test"
    assert again.choose("type", "Which", ["b", "c", "a"]) == "b"  # the list has another order now
    again.kept.forget()
    assert not (tmp_path / "davtari.answers").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"shop.url": 7, "type": "a"}'])
def test_an_invalid_file_of_answers_is_ignored(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "davtari.answers").write_text(text, encoding="utf-8")
    ask = Interview(SavedAnswers(tmp_path / "davtari.answers"))
    give_answers(monkeypatch, "https://shop.test", "")
    assert ask.text("shop.url", "Address") == "https://shop.test"
    assert ask.choose_many("type", "Which", ["x"]) == []


@pytest.mark.parametrize("error", [typer.Abort, KeyboardInterrupt])
def test_the_end_of_input_is_reported_with_the_question(
    error: type[BaseException], ask: Interview, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(typer, "prompt", ends)
    with pytest.raises(InterviewEnded, match="Address"):
        ask.text("shop.url", "Address")


async def test_without_a_terminal_missing_values_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await app.write_settings(tmp_path / "davtari.toml", guided=False) == 0
    output, text = capsys.readouterr().out, (tmp_path / "davtari.toml").read_text(encoding="utf-8")
    for key in ("balance.application-id", "balance.user-name", "shops.main.url"):
        assert key in output
        assert f"\n{key.rpartition('.')[2]} = " in text
    for name in app.SECRETS:
        assert f"secrets/{name}" in output
        assert f"secrets/{name}" in text
    secret = (tmp_path / "secrets/privacy").read_text(encoding="utf-8")
    assert len(secret.strip()) >= 43
    (tmp_path / "davtari.toml").unlink()
    await app.write_settings(tmp_path / "davtari.toml", guided=False)
    assert (tmp_path / "secrets/privacy").read_text(encoding="utf-8") == secret  # known people keep their ids
