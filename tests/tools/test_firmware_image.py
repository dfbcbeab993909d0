"""An image is of one firmware: after a change it is not taken for the new one, and nothing of the desk is in it."""

from pathlib import Path

from tools.firmware_image import digest, shipped, staged


def test_image_of_a_changed_or_moved_file_is_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("a = 1\n", encoding="utf-8")
    other.write_text("a = 2\n", encoding="utf-8")
    images = [{"x.py": one}, {"x.py": other}, {"y.py": one}, {"x.py": one, "y.py": one}]
    assert len({digest(files) for files in images} | {digest(images[0], other)}) == len(images) + 1
    assert digest({"x.py": one}) == digest({"x.py": one})


def test_image_has_the_chooser_and_every_product_and_nothing_of_the_desk_or_another_port() -> None:
    names = set(shipped("rp2"))
    products = {f"image/products/{name}.py" for name in ("gas_alarm", "smart_bin", "hydrogen_node")}
    assert {"main.py", "slots.py", "image/main.py", "image/protocols/wire/crc.py", *products} <= names
    assert [name for name in names if "linux" in name or "esp32" in name or "rig" in name] == []


def test_file_that_is_gone_does_not_stay_in_the_image(tmp_path: Path) -> None:
    source = tmp_path / "one.py"
    source.write_text("a = 1\n", encoding="utf-8")
    folder = tmp_path / "code"
    staged({"image/old.py": source}, folder)
    staged({"image/new.py": source}, folder)
    assert [path.name for path in folder.rglob("*.py")] == ["new.py"]
