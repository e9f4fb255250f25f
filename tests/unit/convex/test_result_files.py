"""Result files appear all together or not at all."""

import os
import threading
from pathlib import Path

import pytest

from convex.result_files import Outputs
from shared.errors import ConfigError


def write(*paths: Path, inputs: tuple[Path, ...] = ()) -> None:
    with Outputs(paths, inputs=inputs) as outputs:
        outputs.write([path.name.encode() for path in paths])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(*paths: Path, inputs: tuple[Path, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        write(*paths, inputs=inputs)
    return str(caught.value)


def test_files_are_replaced_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    first, second = tmp_path / "stats.csv", tmp_path / "events.jsonl"
    first.write_bytes(b"before")

    write(first, second)

    assert (first.read_bytes(), second.read_bytes()) == (b"stats.csv", b"events.jsonl")
    assert names(tmp_path) == ["events.jsonl", "stats.csv"]


def test_link_is_written_through(tmp_path: Path) -> None:
    """Would have caught: a file took the place of the link."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to(target)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "elsewhere" / "new")

    write(link, dangling)

    assert link.is_symlink()
    assert dangling.is_symlink()
    assert target.read_bytes() == b"link"
    assert (tmp_path / "elsewhere" / "new").read_bytes() == b"dangling"
    assert names(tmp_path / "elsewhere") == ["new", "target"]


def test_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, other = tmp_path / "pipe", tmp_path / "other"
    os.mkfifo(pipe)
    told: list[bytes] = []
    reader = threading.Thread(target=lambda: told.append(pipe.read_bytes()), daemon=True)
    reader.start()

    write(other, pipe)

    reader.join(timeout=10)
    assert told == [b"pipe"]
    assert pipe.is_fifo()
    assert other.read_bytes() == b"other"


def test_null_device_takes_any_number_of_outputs_and_stays() -> None:
    null = Path(os.devnull)

    write(null, null)

    assert null.is_char_device()


def test_full_device_leaves_no_other_output(tmp_path: Path) -> None:
    """What cannot be taken back is written first."""
    stats = tmp_path / "stats.csv"

    assert refusal(stats, Path("/dev/full")) == "/dev/full: cannot be written: No space left on device"
    assert names(tmp_path) == []


def test_failed_work_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    stats = tmp_path / "stats.csv"
    stats.write_bytes(b"before")

    with pytest.raises(KeyboardInterrupt), Outputs([stats], inputs=[]):
        raise KeyboardInterrupt

    assert stats.read_bytes() == b"before"
    assert names(tmp_path) == ["stats.csv"]


def test_later_output_that_cannot_be_made_leaves_the_earlier_as_it_was(tmp_path: Path) -> None:
    """Would have caught: the statistics were replaced before the events' name was found too long."""
    stats, events = tmp_path / "stats.csv", tmp_path / ("x" * 256)
    stats.write_bytes(b"before")

    assert refusal(stats, events) == f"{events}: cannot be written: File name too long"
    assert stats.read_bytes() == b"before"
    assert names(tmp_path) == ["stats.csv"]


def test_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * 255)

    write(longest)

    assert longest.read_bytes() == b"x" * 255


def test_output_that_becomes_a_folder_meanwhile_is_reported_and_cleaned_up(tmp_path: Path) -> None:
    stats = tmp_path / "stats.csv"

    with Outputs([stats], inputs=[]) as outputs:
        stats.mkdir()
        with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
            outputs.write([b"after"])

    assert names(tmp_path) == ["stats.csv"]


def test_folder_that_goes_meanwhile_is_reported_and_the_clean_up_says_nothing(tmp_path: Path) -> None:
    """Would have caught: the clean-up's own failure hid the error."""
    folder = tmp_path / "out"
    folder.mkdir()

    with Outputs([folder / "stats.csv"], inputs=[]) as outputs:
        for part in folder.iterdir():
            part.unlink()
        folder.rmdir()
        folder.write_bytes(b"")
        with pytest.raises(ConfigError, match="cannot be written: Not a directory"):
            outputs.write([b"after"])

    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("is_hard", [True, False])
def test_linked_outputs_and_inputs_are_one_file(tmp_path: Path, is_hard: bool) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    if is_hard:
        two.hardlink_to(one)
    else:
        two.symlink_to(one)

    assert refusal(one, two) == f"{two}: is the same file as the output {one}; name another"
    assert refusal(two, inputs=(one,)) == f"{two}: is the same file as the input {one}; name another"
    assert one.read_bytes() == b"1"


def test_outputs_that_do_not_exist_yet_are_compared_by_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "folder")

    said = refusal(tmp_path / "folder" / "new", tmp_path / "way" / "new")

    assert said.endswith("folder/new; name another")


def test_links_that_go_round_are_reported(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)

    assert refusal(link).startswith(f"{link}: cannot be written: ")


def test_folder_and_missing_folder_are_reported(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name a file"
    missing = tmp_path / "no" / "stats.csv"
    assert refusal(missing) == f"{missing}: its folder does not exist; create it first"
