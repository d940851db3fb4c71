#!/bin/sh
# The demo: what `make demo` runs with the `kubepki` on PATH. The argument is the folder to work in.
set -eu

demo=${1:?usage: demo.sh FOLDER}

mkdir -p "$demo"
kubepki --version
