"""What a seed asks of its cells: by name, a Dockerfile or a devcontainer.json, or refused with file, line and key."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.config.reading import Mistakes
from factory_tui.config.recipe import Recipe, recipe_of
from factory_tui.config.seed import load_seed
from factory_tui.config.workspace import Workspace

FROM = b"FROM here\n"
SEED = "seeds/shop/seed.md"


def recipe(files: dict[str, bytes], image: str = "") -> Recipe:
    return recipe_of(image, files.items(), SEED)


def devcontainer(text: str, **files: bytes) -> Recipe:
    named = {name.replace("__", "/"): data for name, data in files.items()}
    return recipe({"cell/devcontainer.json": text.encode(), "cell/Dockerfile": FROM, **named})


def refused(text: str, **files: bytes) -> str:
    with pytest.raises(Mistakes) as caught:
        devcontainer(text, **files)
    return str(caught.value)


def test_a_seed_that_asks_for_nothing_gets_the_workspaces_image() -> None:
    assert recipe({"code/Dockerfile": FROM, "notes.txt": b""}) == Recipe(file=SEED)
    assert not recipe({}).digest


def test_a_key_of_the_front_matter_names_an_image(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.seeds.mkdir()
    seed = workspace.seeds / "shop.md"
    seed.write_text('+++\nowner = "demo"\nimage = "python:3.13"\n+++\nSell.\n')
    found = load_seed(workspace, "shop").recipe
    assert (found.image, found.build, found.file) == ("python:3.13", None, "seeds/shop.md")
    assert found.digest


def test_a_dockerfile_is_built_with_what_lies_beside_it_and_is_part_of_the_revision(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cell = workspace.seeds / "shop" / "cell"
    cell.mkdir(parents=True)
    (cell.parent / "seed.md").write_text('+++\nowner = "demo"\n+++\nSell.\n')
    (cell / "Dockerfile").write_bytes(FROM)
    (cell / "setup.sh").write_text("#!/bin/sh\n")
    first = load_seed(workspace, "shop")
    assert first.recipe.build is not None
    assert [(one.path, one.mode) for one in first.recipe.build.files] == [("Dockerfile", 0o644), ("setup.sh", 0o755)]
    assert first.recipe.file == "seeds/shop/cell/Dockerfile"
    (cell / "setup.sh").write_text("#!/bin/sh\ntrue\n")
    second = load_seed(workspace, "shop")
    assert second.recipe.build is not None
    assert first.revision != second.revision
    assert first.recipe.build.digest != second.recipe.build.digest


@pytest.mark.parametrize("target", ["/etc", "../../secret"])
def test_a_link_out_of_the_seed_is_refused(tmp_path: Path, target: str) -> None:
    workspace = Workspace(tmp_path)
    cell = workspace.seeds / "shop" / "cell"
    cell.mkdir(parents=True)
    (tmp_path / "secret").write_text("key")
    (cell.parent / "seed.md").write_text('+++\nowner = "demo"\n+++\nSell.\n')
    (cell / "Dockerfile").write_bytes(FROM)
    (cell / "key").symlink_to(target)
    with pytest.raises(Mistakes, match="seeds/shop/cell/key"):
        load_seed(workspace, "shop")


def test_two_images_are_one_too_many(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cell = workspace.seeds / "shop" / "cell"
    cell.mkdir(parents=True)
    (cell.parent / "seed.md").write_text('+++\nowner = "demo"\nimage = "x"\n+++\nSell.\n')
    (cell / "Dockerfile").write_bytes(FROM)
    with pytest.raises(Mistakes) as caught:
        load_seed(workspace, "shop")
    assert str(caught.value) == (
        "seeds/shop/seed.md:3: image: seeds/shop/cell/Dockerfile names an image too. "
        "Remedy: Remove the key, or seeds/shop/cell/."
    )


def test_a_cell_folder_without_either_file_is_told() -> None:
    with pytest.raises(Mistakes, match="holds neither a Dockerfile nor a devcontainer"):
        recipe({"cell/dockerfile.txt": FROM})


def test_a_devcontainer_with_comments_and_trailing_commas_is_read() -> None:
    found = devcontainer(
        """{
        // where it comes from
        "image": "python:3.13", /* not "build" */
        "remoteEnv": { "URL": "http://localhost//x", "LIST": "a,]", },
        }"""
    )
    assert found.image == "python:3.13"
    assert dict(found.env) == {"URL": "http://localhost//x", "LIST": "a,]"}


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), st.text(max_size=30)))
def test_whatever_json_says_is_said_with_comments_too(env: dict[str, str]) -> None:
    env = {name: value.replace("\0", "").replace("$", "") for name, value in env.items()}
    plain = json.dumps({"image": "x", "remoteEnv": env}, indent=1)
    spoken = "// one\n" + plain.replace("{\n", "{ /* two\n */ // three\n") + "\n// four"
    assert devcontainer(spoken) == devcontainer(plain)


def test_a_build_may_use_the_whole_seed_and_nothing_beyond() -> None:
    found = devcontainer(
        '{"build": {"dockerfile": "Dockerfile", "context": "..", "target": "dev", "args": {"V": "1"}}}',
        code__setup=b"x",
    )
    assert found.build is not None
    assert [one.path for one in found.build.files] == ["cell/Dockerfile", "cell/devcontainer.json", "code/setup"]
    assert (found.build.dockerfile, found.build.target, found.build.args) == ("cell/Dockerfile", "dev", (("V", "1"),))
    for outside in ("../..", "/etc", "../../../etc"):
        said = refused(f'{{"build": {{"dockerfile": "Dockerfile", "context": "{outside}"}}}}')
        assert f"build.context: `{outside}` leads out of the seed's folder" in said


def test_a_dockerfile_beside_the_context_is_taken_into_it() -> None:
    found = devcontainer('{"build": {"dockerfile": "Dockerfile", "context": "files"}}', cell__files__a=b"1")
    assert found.build is not None
    assert {one.path for one in found.build.files} == {"a", found.build.dockerfile}


def test_variables_of_the_container_are_replaced_and_the_agents_win() -> None:
    found = devcontainer(
        '{"image": "x", "containerEnv": {"A": "1", "B": "1"}, "remoteEnv": {"B": "2", '
        '"PATH": "${containerEnv:PATH}:${containerWorkspaceFolder}/bin", "C": "${containerEnv:NONE:7}${other}"}}'
    )
    assert dict(found.variables({"PATH": "/bin"}, "/work")) == {
        "A": "1",
        "B": "2",
        "C": "7${other}",
        "PATH": "/bin:/work/bin",
    }


@pytest.mark.parametrize("name", ["localEnv:HOME", "env:KEY", "localEnv:KEY:none", "localWorkspaceFolder"])
@pytest.mark.parametrize("key", ["remoteEnv", "containerEnv", "build.args"])
def test_nothing_of_this_machine_reaches_a_cell(name: str, key: str) -> None:
    value = {"TOKEN": f"x${{{name}}}"}
    data = {"image": "x", key: value} if "." not in key else {"build": {"dockerfile": "Dockerfile", "args": value}}
    said = refused(json.dumps(data, indent=1))
    assert f"{key}.TOKEN: ${{{name}}}" in said
    assert "seeds/shop/cell/devcontainer.json:" in said
    assert "Remedy" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{\n"image": 3}', "devcontainer.json:2: image: is no text"),
        ('{\n\n"image" "x"}', "devcontainer.json:3: not JSON"),
        ("[]", "is no JSON object"),
        ("{}", "names neither image nor build.dockerfile"),
        ('{"Image": "x"}', "Did you mean that by `Image`"),
        ('{"image": "x", "build": {"dockerfile": "Dockerfile"}}', "one image is enough"),
        ('{"build": {}}', "names neither"),
        ('{"build": {"context": "."}}', "names no dockerfile"),
        ('{"build": {"dockerfile": "Other"}}', "there is no seeds/shop/cell/Other"),
        ('{"build": {"dockerfile": "Dockerfile", "context": "none"}}', "there is nothing in seeds/shop/cell/none/"),
        ('{"image": "x", "remoteEnv": {"A=B": "1"}}', "is no variable's name"),
        ('{"image": "x", "remoteEnv": {"A": null}}', "remoteEnv.A: is no text"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, wanted: str) -> None:
    assert wanted in refused(text)


def test_keys_that_mean_nothing_here_are_named() -> None:
    found = devcontainer(
        '{"name": "shop", "image": "x", "features": {}, "mounts": [], "runArgs": ["--privileged"], '
        '"postCreateCommand": "make"}'
    )
    fence, rest = found.warnings()
    assert "mounts, runArgs: never done" in fence
    assert "features, postCreateCommand: not done here" in rest
