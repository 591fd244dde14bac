"""The documents say what is so: examples run, generated pages are current, links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench import page
from tests import parts
from tests.conftest import ROOT, Api, Server, environment

README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md",
                *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"])  # fmt: skip


def examples(kind: str) -> list[str]:
    return re.findall(rf"<!-- test: {kind} -->\n```\w+\n(.*?)```", README, re.DOTALL)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["endpoints.md", "errors.md", "settings.md"])
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / "docs" / name).read_text()
    assert written == generator().PAGES[name](), "run: python docs/generate.py"


def test_the_page_of_performance_says_what_its_figures_say() -> None:
    found = json.loads((ROOT / "docs" / "performance.json").read_bytes())
    for name, text in {"performance.md": page.page(found), **page.plots(found)}.items():
        assert (ROOT / "docs" / name).read_text() == text, "run: python -m bench.page"


def test_every_python_example_of_the_readme_runs(api: Api) -> None:
    found = examples("python")
    assert found
    for example in found:
        program = example.replace("http://127.0.0.1:8080/v1", api.server.endpoint)
        folder = parts.python_package("appwrite==27.0.0")
        done = subprocess.run(
            [sys.executable, "-c", f"API_KEY = {api.key!r}\n{program}"], capture_output=True,
            text=True, env=os.environ | {"PYTHONPATH": str(folder)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "mira@example.org" in done.stdout
    found_user = api.call("GET", "/users", query={"search": "mira@example.org"}).json["users"][0]
    assert api.call("DELETE", f"/users/{found_user['$id']}").status == 204


def test_every_shell_example_of_the_readme_runs(
    engine: str, database_url: str, tmp_path: Path
) -> None:
    server = Server(database_url, tmp_path).start()
    try:
        for example in examples("shell"):
            program = example.replace(
                ".venv/bin/usherd", str(Path(sys.executable).parent / "usherd")
            )
            done = subprocess.run(
                ["bash", "-ec", program], cwd=tmp_path, capture_output=True, text=True,
                env=environment(USHERD_DATABASE=database_url), check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
    finally:
        server.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
    for name in re.findall(r"`((?:docs|tests|bench|usherd)/[\w./-]+\.\w+)`", text):
        assert (ROOT / name).exists(), f"{page.name} names {name}"
