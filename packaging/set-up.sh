# Sourced by run, test and stick: what the machine needs, what is missing, and how to bring it in.
# Everything is said before it is done, rights are asked for once, and nothing is done twice.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"
# On a stick made by packaging/stick, wheels and Debian packages lie beside the program.
STICK=""
if [ -d "$ROOT/../wheels" ] && [ -d "$ROOT/../debs" ]; then STICK=$(cd "$ROOT/.." && pwd); fi

PYTHON_PACKAGES="python3 python3-venv"
QT_PACKAGES="libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0
  libx11-6 libzstd1 fonts-dejavu-core fonts-noto-core fonts-noto-cjk libosmesa6"
WINDOW_PACKAGES="libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0
  libxcb-util1 libxcb-randr0 libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0
  libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1 libgl1-mesa-dri libglx-mesa0"
TEST_PACKAGES="dicom3tools poppler-utils"

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 2; }

# Ubuntu 24.04 and Debian 13 renamed a few libraries (time_t); the new name provides the old one.
is_installed() {
  dpkg-query -W -f '${Status} ${Provides}\n' "$1" 2>/dev/null | grep -q '^install ok installed' && return 0
  dpkg-query -W -f '${Status} ${Package} ${Provides}\n' "$1t64" 2>/dev/null | grep -q '^install ok installed'
}

missing_packages() {
  local name
  for name in "$@"; do is_installed "$name" || printf '%s ' "$name"; done
}

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null && "$name" - 2>/dev/null <<'PY'
import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PY
    then command -v "$name"; return 0; fi
  done
  return 1
}

# The packages that are missing, by name and size, then one question, then one installation.
install_packages() {
  local missing; missing=$(missing_packages "$@")
  [ -n "${missing// /}" ] || return 0
  command -v apt-get >/dev/null || fail "This needs Debian or Ubuntu: apt-get is not here. Missing: $missing"
  say "These packages of the system are missing:"
  say "  $missing"
  local as_root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "Ask an administrator to run: apt-get install $missing"
    as_root=sudo
  fi
  if [ -z "${MEDVIEW_YES:-}" ] && [ -t 0 ]; then
    read -r -p "Install them now (needs administrator rights)? [Y/n] " answer
    case "$answer" in [nN]*) fail "Nothing was changed.";; esac
  fi
  if [ -n "$STICK" ]; then
    install_from_stick "$as_root" || fail "The packages on the stick do not fit this system."
  else
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c \
      "apt-get update -q && apt-get install -q -y --no-install-recommends $missing" ||
      fail "The packages could not be installed: see above."
  fi
}

# Only files of packages that are not there yet: an older file must not replace a newer package.
install_from_stick() {
  local file name wanted=()
  for file in "$STICK"/debs/*.deb; do
    name=$(dpkg-deb -f "$file" Package)
    is_installed "$name" || wanted+=("$file")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  $1 env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    --no-download -o Dir::Cache::archives="$STICK/debs" "${wanted[@]}"
}

# The stamp names everything that decides what is in the environment.
wanted_stamp() {
  { "$1" --version; cat "$ROOT/constraints.txt" "$ROOT/pyproject.toml"; printf '%s %s' "$2" "$ROOT"; } |
    sha256sum | cut -d' ' -f1
}

pip_install() {
  if [ -n "$STICK" ]; then
    "$VENV/bin/python" -m pip install -q --no-index --find-links "$STICK/wheels" "$@"
  else
    "$VENV/bin/python" -m pip install -q --prefer-binary "$@"
  fi
}

# set_up EXTRA: EXTRA is "" for the program alone, "[dev]" with what its tests need.
set_up() {
  local extra=$1 python stamp
  [ "$(uname -s)" = Linux ] || fail "These scripts are for Linux."
  shift
  install_packages $PYTHON_PACKAGES "$@"
  python=$(find_python) || fail "Python 3.11, 3.12 or 3.13 is needed; this system has $(python3 --version 2>&1)."
  stamp=$(wanted_stamp "$python" "$extra")
  if [ -x "$VENV/bin/medview" ] && { [ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$stamp" ] ||
       [ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$(wanted_stamp "$python" "[dev]")" ]; }; then
    return 0
  fi
  [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV" || fail "The environment $VENV could not be made."
  pip_install -c "$ROOT/constraints.txt" setuptools || fail "setuptools could not be installed."
  [ -n "$STICK" ] || "$VENV/bin/python" "$ROOT/packaging/sizes.py" "$ROOT" "$extra" || true
  say "Installing MedView and its libraries into $VENV ..."
  pip_install -c "$ROOT/constraints.txt" --no-build-isolation -e "$ROOT$extra" ||
    fail "The libraries could not be installed: see above. Run this again when the network is back."
  printf '%s' "$stamp" > "$VENV/.stamp"
}
