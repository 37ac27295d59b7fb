"""The suite checks the repository itself."""

import documents
import rooms
import syntax
import tidy
from files import ROOT


def none_of(findings):
    assert not findings, "\n" + "\n".join(str(finding) for finding in findings)


def test_rooms_are_declared_and_documented_in_one_order():
    none_of(rooms.check_order(ROOT))


def test_a_room_includes_only_rooms_above_it():
    none_of(rooms.check_includes(ROOT))


def test_no_stray_files():
    none_of(tidy.check_names(ROOT))


def test_lines_files_marks_and_words():
    none_of(tidy.check_contents(ROOT))


def test_executable_files_say_what_executes_them():
    none_of(tidy.check_modes(ROOT))


def test_links_between_documents_resolve():
    none_of(documents.check_links(ROOT))


def test_scripts_parse():
    none_of(syntax.check_syntax(ROOT))
