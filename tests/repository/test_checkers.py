"""Each check finds what it is for: a small tree with one mistake gives one finding."""

import pytest

import documents
import rooms
import syntax
import tidy

CMAKE = "foreach(room IN ITEMS base wire\n             engine)\n  forebay_room(${room})\nendforeach()\n"


@pytest.fixture
def tree(tmp_path):
    """write(path, text) in a repository of three rooms."""

    def write(name, text="text\n", mode=0o644):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    write.root = tmp_path
    write("CMakeLists.txt", CMAKE)
    for room in ("base", "wire", "engine"):
        write(f"src/{room}/thing.hpp", "#pragma once\n")
    write("src/wire/use.cpp", '#include <vector>\n\n#include "base/thing.hpp"\n#include "wire/thing.hpp"\n')
    return write


def only(findings, path, line, part):
    assert [(finding.path, finding.line) for finding in findings] == [(path, line)], findings
    assert part in findings[0].text


def test_a_clean_tree_has_no_findings(tree):
    root = tree.root
    checks = (rooms.check_order, rooms.check_includes, tidy.check_names, tidy.check_contents, tidy.check_modes,
              documents.check_links, syntax.check_syntax)
    assert [finding for check in checks for finding in check(root)] == []


def test_order_is_read_top_room_first(tree):
    assert rooms.declared_order(tree.root) == ["base", "wire", "engine"]


def test_include_of_a_room_below_is_found(tree):
    tree("src/base/wrong.cpp", '#include "base/thing.hpp"\n#include "engine/thing.hpp"\n')
    only(rooms.check_includes(tree.root), "src/base/wrong.cpp", 2, "engine stands below")


def test_include_of_a_room_below_in_a_unit_test_is_found(tree):
    tree("src/wire/wire_test.cpp", '#include "engine/thing.hpp"\n')
    only(rooms.check_includes(tree.root), "src/wire/wire_test.cpp", 1, "engine stands below")


@pytest.mark.parametrize("target", ["thing.hpp", "../base/thing.hpp", "src/base/thing.hpp"])
def test_include_that_names_no_room_is_found(tree, target):
    tree("src/wire/wrong.cpp", f'#include "{target}"\n')
    only(rooms.check_includes(tree.root), "src/wire/wrong.cpp", 1, "room/file.hpp")


def test_include_of_a_missing_file_is_found(tree):
    tree("src/wire/wrong.cpp", '#include "base/gone.hpp"\n')
    only(rooms.check_includes(tree.root), "src/wire/wrong.cpp", 1, "does not exist")


def test_folder_outside_the_order_is_found(tree):
    tree("src/attic/thing.cpp", "int x;\n")
    only(rooms.check_order(tree.root), "src/attic", 0, "not in the list")


@pytest.mark.parametrize("form", ["| {0} | what lives there |", "- `src/{0}` — what lives there", "1. `{0}`: what"])
def test_documented_order_is_compared(tree, form):
    tree("docs/architecture.md", "\n".join(form.format(room) for room in ("base", "wire", "engine")))
    assert rooms.check_order(tree.root) == []
    tree("docs/architecture.md", "\n".join(form.format(room) for room in ("wire", "base", "engine")))
    only(rooms.check_order(tree.root), "docs/architecture.md", 0, "wire base engine")


@pytest.mark.parametrize("name", ["notes.txt", "src/wire/use.cpp~", "docs/old.md.orig", "core", "tests/x/out.log"])
def test_stray_file_is_found(tree, name):
    tree(name)
    assert [finding.path for finding in tidy.check_names(tree.root)] == [name]


def test_camel_case_file_in_src_is_found(tree):
    tree("src/wire/ScramClient.cpp")
    only(tidy.check_names(tree.root), "src/wire/ScramClient.cpp", 0, "snake_case")


def test_long_line_is_found_in_code_only(tree):
    tree("src/wire/long.cpp", "// short\n//" + "x" * 119 + "\n")
    tree("docs/long.md", "x" * 500 + "\n")
    only(tidy.check_contents(tree.root), "src/wire/long.cpp", 2, "121 columns")


def test_long_file_is_found(tree):
    tree("src/wire/long.cpp", "int x;\n" * 901)
    only(tidy.check_contents(tree.root), "src/wire/long.cpp", 0, "901 lines")


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME(name)", "XX" + "X:", "HA" + "CK"])
def test_mark_of_unfinished_work_is_found(tree, mark):
    tree("src/wire/mark.cpp", f"// {mark} later\n")
    only(tidy.check_contents(tree.root), "src/wire/mark.cpp", 1, "unfinished")


def test_a_file_name_pattern_is_no_mark(tree):
    tree("src/wire/fine.cpp", f'char name[] = "/tmp/{"X" * 6}";\n')
    assert tidy.check_contents(tree.root) == []


@pytest.mark.parametrize("text", ["see /wo" + "rk/main", "/tmp/bash" + "_jobs/1", "https://registry.npm" + "js.org/pg",
                                  "cd /ho" + "me/somebody"])
def test_word_of_one_machine_is_found(tree, text):
    tree("docs/page.md", text + "\n")
    only(tidy.check_contents(tree.root), "docs/page.md", 1, "one machine")


@pytest.mark.parametrize("text", ["build/" + "work/main", "the network/workers", "https://example.com/" + "work/main"])
def test_similar_words_are_fine(tree, text):
    tree("docs/page.md", text + "\n")
    assert tidy.check_contents(tree.root) == []


def test_empty_and_binary_files_are_found(tree):
    tree("docs/empty.md", "")
    tree("docs/binary.md", "a\0b")
    found = {finding.path: finding.text for finding in tidy.check_contents(tree.root)}
    assert found == {"docs/empty.md": "is empty", "docs/binary.md": "is binary"}


def test_modes(tree):
    tree("tests/x/run.sh", "#!/bin/sh\n")
    tree("src/wire/use.cpp", "int x;\n", mode=0o755)
    assert {finding.path for finding in tidy.check_modes(tree.root)} == {"tests/x/run.sh", "src/wire/use.cpp"}


def test_broken_links_are_found(tree):
    tree("docs/page.md", "# A heading, `here`\n[ok](other.md#a-part) [also](#a-heading-here) [web](https://x.org/y)\n"
         "[gone](gone.md)\n[part](other.md#gone)\n[out](../../x)\n```\n[code](gone.md)\n```\n`[code](gone.md)`\n"
         "[ref]: gone2.md\n")
    tree("docs/other.md", "# Other\n## A part\n")
    found = documents.check_links(tree.root)
    assert [(finding.line, finding.path) for finding in found] == [(n, "docs/page.md") for n in (3, 4, 5, 10)]


@pytest.mark.parametrize("name, text", [("dev", "#!/usr/bin/env bash\nif true\n"), ("tests/x/a.sh", "fi\n"),
                                        ("tests/x/a.py", "def f(:\n"), ("tests/x/a.json", "{,}")])
def test_script_that_does_not_parse_is_found(tree, name, text):
    tree(name, text)
    assert [finding.path for finding in syntax.check_syntax(tree.root)] == [name]
