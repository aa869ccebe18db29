#!/bin/sh
# Make a virtual environment with the pinned packages and this package: `sh tools/install.sh .venv`.
# A second argument names another lock file, whose packages come on top.
# uv is used where it is there or can be had (seconds instead of minutes), pip otherwise.
set -eu
venv=${1:?name the folder of the virtual environment}
lock=${2:-requirements.lock}
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed, but '$python' is $("$python" --version 2>&1): set PYTHON=python3.12, for example" >&2
    exit 1
}
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || {
        echo "Cannot make a virtual environment with '$python': on Debian and Ubuntu, apt install python3-venv" >&2
        exit 1
    }
fi
if command -v uv >/dev/null 2>&1; then
    uv=uv
elif [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv; then
    uv=$venv/bin/uv
else
    uv=
fi
if [ "$lock" = requirements.lock ]; then
    echo "Installing the pinned packages into $venv (several GB with torch; once)"
fi
pinned="--quiet --no-deps --require-hashes -r $lock"
# $pinned is several words. Compiled once here, as pip does: where Python may not write beside its modules, every step
# of a run would compile thousands of them anew.
if [ -n "$uv" ] && "$uv" pip install --python "$venv/bin/python" --compile-bytecode $pinned; then
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps -e .
else
    "$venv/bin/python" -m pip install --disable-pip-version-check $pinned
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps -e .
fi
[ "$lock" != requirements.lock ] || touch "$venv/.installed"
