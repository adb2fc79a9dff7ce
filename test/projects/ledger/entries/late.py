from pathlib import Path

RELEASE = (Path(__file__).resolve().parent.parent / "release").read_text().strip()
