"""Make the scripts in an sdist executable: maturin writes each file as 0644, and a wheel takes the mode from there.

Usage: executable_in_sdist.py SDIST
"""

import gzip
import io
import sys
import tarfile
from pathlib import Path

sdist = Path(sys.argv[1])
packed = gzip.decompress(sdist.read_bytes())
changed = io.BytesIO()
found = 0
with tarfile.open(fileobj=io.BytesIO(packed)) as given, tarfile.open(fileobj=changed, mode="w") as made:
    for member in given:
        if "/kubepki.data/scripts/" in member.name:
            member.mode = 0o755
            found += 1
        made.addfile(member, given.extractfile(member) if member.isfile() else None)
if not found:
    sys.exit(f"{sdist}: there is no script")
sdist.write_bytes(gzip.compress(changed.getvalue(), mtime=0))
