# Sourced by the other scripts: finds a Python and makes a virtual environment with iohub in it.
#
# Needs Python >= 3.11 and a package index. An environment that is up to date is left alone; it is
# up to date when pyproject.toml, this directory and the extras are those of the last installation.
# shellcheck shell=bash

# Versions that the package says it is tested on, such as "3.11 3.12 3.13".
tested_versions() {
    sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9][0-9]*\)".*/\1/p' pyproject.toml
}

# Print "<major.minor> <path>" if this command is a CPython >= 3.11 that can make environments.
# A command may exist and still not run (a pyenv shim of a version that is not active).
describe_python() {
    "$1" -c '
import sys, sysconfig
import ensurepip, venv
usable = sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final"
if not usable or sysconfig.get_config_var("Py_GIL_DISABLED"):
    raise SystemExit(1)
print("%d.%d" % sys.version_info[:2], sys.executable)
' 2>/dev/null </dev/null
}

# Every usable Python, one "<major.minor> <path>" a line: `python3` first, then those on PATH and
# those of pyenv.
usable_pythons() {
    local version candidate
    describe_python python3 || true
    for version in $(tested_versions); do
        describe_python "python$version" || true
        for candidate in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3; do
            if [ -x "$candidate" ]; then describe_python "$candidate" || true; fi
        done
    done
}

# Path of the Python to work with: `python3` if it will do, else the oldest tested one.
find_python() {
    local found
    found=$(usable_pythons)
    found=${found%%$'\n'*}
    if [ -z "$found" ]; then
        echo "iohub needs Python >= 3.11 (with venv); none was found on PATH or in pyenv" >&2
        return 1
    fi
    echo "${found#* }"
}

# Path of the newest tested Python from 3.12 on; nothing if there is none.
find_newest_python() {
    local all version found
    all=$(usable_pythons)
    for version in $(tested_versions | sort -t. -k2 -n -r); do
        if [ "${version#3.}" -lt 12 ]; then continue; fi
        found=$(sed -n "s/^$version //p" <<<"$all")
        if [ -n "$found" ]; then
            echo "${found%%$'\n'*}"
            return
        fi
    done
}

# uv does not read pip's configuration: where pip is told to use another index in place of PyPI
# and uv is told nothing, pip does the work.
pip_has_its_own_index() {
    local settings
    if [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_NO_INDEX:-}" ]; then return 1; fi
    settings=$("$1" -m pip config list 2>/dev/null) || return 1
    grep -qE '^[^=]*\.(index-url|no-index)=' <<<"$settings"
}

# install <python of an environment> <extra>
install_iohub() {
    local python=$1 target=".[$2]"
    if ! pip_has_its_own_index "$python" && "$python" -m pip install --quiet uv; then
        if "$python" -m uv pip install --quiet --python "$python" --editable "$target"; then return; fi
        echo "uv could not install $target; trying pip" >&2
    fi
    "$python" -m pip install --quiet --editable "$target"
}

# torch, to which some tests give tensors; they do without it where there is no build of it for the
# processor alone. uv does not find such builds where pip does.
install_torch() {
    local python=$1
    if "$python" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))'; then
        "$python" -m pip install --quiet 'torch==2.13.0+cpu' >/dev/null 2>&1 || true
    fi
}

# What an installation was made from.
fingerprint() {
    "$1" -c '
import hashlib, os, sys
made_from = open("pyproject.toml", "rb").read() + os.fsencode(os.getcwd()) + sys.version.encode()
print(hashlib.sha256(made_from).hexdigest())
'
}

# ensure_environment <directory> <python or ""> <extra>...
# Make the environment, if need be, with the first extra; later ones are extras that contain it, so
# that an environment that has one of those is not installed anew.
ensure_environment() {
    local venv=$1 python=$2 wanted=$3 extra print
    shift 2
    if [ ! -x "$venv/bin/python" ]; then
        if [ -z "$python" ]; then python=$(find_python) || return; fi
        echo "making $venv with $("$python" --version)" >&2
        "$python" -m venv "$venv" || return
    fi
    print=$(fingerprint "$venv/bin/python") || return
    for extra in "$@"; do
        if [ "$(cat "$venv/.iohub-$extra" 2>/dev/null)" = "$print" ]; then return; fi
    done
    echo "installing iohub[$wanted] into $venv" >&2
    install_iohub "$venv/bin/python" "$wanted" || return
    case $wanted in test | dev) install_torch "$venv/bin/python" ;; esac
    echo "$print" >"$venv/.iohub-$wanted"
}
