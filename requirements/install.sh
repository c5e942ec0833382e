#!/bin/sh
# Makes .venv and installs a lock into it:  sh requirements/install.sh base|embedded|dev
# Does nothing if that (or a superset) is installed already. Relative paths only, and never a console script: the
# checkout's path may be long and have spaces, which the first line of a script cannot hold.
set -eu
cd "$(dirname "$0")/.."
want=$1
venv=.venv

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The first Python from 3.11 on that can make virtual environments. 3.12 and 3.11 come first: for them there is an
# embedded Redis.
find_python() {
    incomplete=
    for candidate in ${PYTHON:-} python3.12 python3.11 python3 python3.13 python3.14 python; do
        found=$("$candidate" -c 'import sys
if sys.version_info >= (3, 11):
    try:
        import ensurepip, venv
        print("good")
    except ImportError:
        print("incomplete python%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        case $found in
            good) python=$candidate; return ;;
            incomplete*) incomplete=${incomplete:-${found#incomplete }} ;;
        esac
    done
    [ -z "$incomplete" ] || fail \
        "$incomplete is here, but the part of it that makes virtual environments is not." \
        "Install it (on Debian and Ubuntu: apt-get install $incomplete-venv), then try again."
    fail "No Python 3.11 or newer was found." \
        "Install one (on Debian and Ubuntu: apt-get install python3 python3-venv), or say where it is:" \
        "  make ${MAKECMDGOALS:-install} PYTHON=/path/to/python3"
}

# $1 = a lock: whether exactly its present content is installed.
installed() {
    [ -f "$venv/installed-$1" ] && cat "requirements/$1.txt" pyproject.toml | cmp -s - "$venv/installed-$1"
}

if [ -d "$venv" ] && ! "$venv/bin/python" -c '' 2>/dev/null; then
    echo "The Python that .venv was made with is gone: making it anew."
    rm -rf "$venv"
fi
case $want in
    base) for lock in base embedded dev; do installed $lock && exit 0; done ;;
    embedded) for lock in embedded dev; do installed $lock && exit 0; done ;;
    dev) installed dev && exit 0 ;;
    *) fail "Usage: sh requirements/install.sh base|embedded|dev" ;;
esac

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    find_python
    echo "Making .venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "The virtual environment .venv could not be made: see above."
fi
echo "Installing requirements/$want.txt"
rm -f "$venv"/installed-*
pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --quiet --no-input "$@"
}
pip install --require-hashes --no-deps --only-binary :all: -r "requirements/$want.txt" || fail \
    "The packages could not be installed: see above." \
    "Without a network, point pip at a folder of wheels (PIP_FIND_LINKS and PIP_NO_INDEX=1). After a full disk or a" \
    "broken download, run the same command again."
pip install --no-build-isolation --no-deps --editable . || fail "Assay itself could not be installed: see above."
cat "requirements/$want.txt" pyproject.toml >"$venv/installed-$want"
