"""Print the folder of the libpython that this interpreter's embedders link with; nothing where there is none."""

import sysconfig
from pathlib import Path

folder, library = sysconfig.get_config_vars("LIBDIR", "LDLIBRARY")
if folder and library and (Path(folder) / library).is_file():
    print(folder)
